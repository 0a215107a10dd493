// Writes the Go SDK of a schema: what Pulumi's own language host, which no Go module carries, does for `package add`.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// go-sdk SCHEMA FOLDER
func main() {
	text, err := os.ReadFile(os.Args[1])
	check(err)
	var spec schema.PackageSpec
	check(json.Unmarshal(text, &spec))
	bound, problems, err := schema.BindSpec(spec, schema.NewNullLoader(), schema.ValidationOptions{})
	check(err)
	if problems.HasErrors() {
		log.Fatal(problems)
	}
	files, err := gogen.GeneratePackage("pulumi", bound, nil)
	check(err)
	for name, content := range files {
		file := filepath.Join(os.Args[2], name)
		check(os.MkdirAll(filepath.Dir(file), 0o755))
		check(os.WriteFile(file, content, 0o644))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

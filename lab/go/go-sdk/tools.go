//go:build tools

// Pins what a program with such an SDK imports, so that it compiles with the versions that are there already.
package main

import (
	_ "github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	_ "github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

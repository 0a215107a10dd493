#!/usr/bin/env bash
# One new secret makes Pulumi 3.259 encrypt all secrets of the state anew, although it has kept their ciphertexts.
#
# With a backend of files the engine writes the whole state before and after each step, and hands its secrets in batches
# of up to 1,000 to an encrypter that remembers the ciphertext of each. The documentation of BeginBatchEncryptionWithCache
# says that a ciphertext it remembers "is used immediately". It is only if the encrypter remembers all of the batch: one
# secret that it does not know sends the whole batch to BatchEncrypt. So n resources that bring one secret each cost
# n(n+1)/2 encryptions. Each result is another ciphertext, and two caches keep all of them until the run ends: byCiphertext
# of the first, and the CiphertextToPlaintextCachedCrypter of the secrets manager. That is why the memory of `pulumi up`
# grows with the square of the number of secrets that it creates. A checkpoint without a new secret encrypts nothing.
# Source: github.com/pulumi/pulumi/pkg/v3 v3.259.0, resource/stack/secrets.go (cachingBatchEncrypter.sendNextBatch);
# sdk/v3 v3.259.0, go/common/resource/config/crypt.go.
#
# Needs Linux, Go >= 1.25, some minutes to compile. Expected output: see the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"

	state "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// counter is an encrypter that counts what another one is asked to encrypt.
type counter struct {
	config.Encrypter
	encrypted int
}

func (c *counter) BatchEncrypt(ctx context.Context, plaintexts []string) ([]string, error) {
	c.encrypted += len(plaintexts)
	return c.Encrypter.BatchEncrypt(ctx, plaintexts)
}

// counted is a secrets manager whose encrypter counts.
type counted struct {
	secrets.Manager
	counter *counter
}

func (c counted) Encrypter() config.Encrypter { return c.counter }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newResource(number int, value resource.PropertyValue) *state.State {
	name := fmt.Sprintf("node-%d", number)
	return &state.State{
		Type:   "finding:index:Node",
		URN:    resource.NewURN("dev", "finding", "", "finding:index:Node", name),
		Inputs: resource.PropertyMap{"connection": value},
	}
}

func main() {
	_, manager, err := passphrase.NewPassphraseSecretsManager("finding")
	count := &counter{Encrypter: must(manager, err).Encrypter()}
	snapshot := &deploy.Snapshot{SecretsManager: stack.NewBatchingCachingSecretsManager(counted{manager, count})}
	firsts := map[string]bool{} // the ciphertexts that the first resource's secret has had
	checkpoint := func(added *state.State) {
		snapshot.Resources = append(snapshot.Resources, added)
		deployment := must(stack.SerializeDeployment(context.Background(), snapshot, false))
		firsts[deployment.Resources[0].Inputs["connection"].(*apitype.SecretV1).Ciphertext] = true
	}

	const nodes = 100
	for number := range nodes {
		text := resource.NewProperty(fmt.Sprintf("secret %d", number))
		checkpoint(newResource(number, resource.MakeSecret(text)))
	}
	fmt.Printf("%d checkpoints, each with one new secret: %d encryptions\n", nodes, count.encrypted)
	fmt.Printf("ciphertexts that the first secret has had: %d\n", len(firsts))

	count.encrypted = 0
	checkpoint(newResource(nodes, resource.NewProperty("no secret")))
	fmt.Printf("one checkpoint more, without a new secret: %d encryptions\n", count.encrypted)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/pulumi/pulumi/pkg/v3@v3.259.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
echo "built with $(go list -m github.com/pulumi/pulumi/pkg/v3)"
nice go build -p 1 -o finding .
printed=$(env -u PULUMI_DISABLE_SECRET_CACHE ./finding)
echo "$printed"
expected='100 checkpoints, each with one new secret: 5050 encryptions
ciphertexts that the first secret has had: 100
one checkpoint more, without a new secret: 0 encryptions'
if [ "$printed" != "$expected" ]; then
    echo "The behaviour has changed." >&2
    exit 1
fi
echo "As stated: each new secret had all others encrypted anew, and a ciphertext is used again only when none is new."

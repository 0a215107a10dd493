//go:build tools

// Pins the Pulumi engine that the lab runs where none is on PATH.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

//go:build tools

// Pins the Helm that the lab runs where none is on PATH.
package tools

import (
	_ "helm.sh/helm/v4/cmd/helm"
)

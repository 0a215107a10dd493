//go:build tools

// Pins the Helm of the oldest ground.
package tools

import _ "helm.sh/helm/v3/cmd/helm"

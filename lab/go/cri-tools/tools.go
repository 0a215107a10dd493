//go:build tools

// Pins crictl, which the lab's nodes carry.
package tools

import (
	_ "sigs.k8s.io/cri-tools/cmd/crictl"
)

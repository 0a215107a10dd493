//go:build tools

// Pins the plugin that gets addresses of a DHCP server, which nodes of the lab do not carry.
package tools

import _ "github.com/containernetworking/plugins/plugins/ipam/dhcp"

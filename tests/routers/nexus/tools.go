//go:build tools

// Package tools pins the nexus router that the end-to-end tests run against.
package tools

import _ "github.com/gammazero/nexus/v3/nexusd"

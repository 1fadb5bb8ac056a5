// Package ext stands in for a module that Traefik's own archive leaves out: extensions of its configuration, which it has none.
package ext

// HTTP extends nothing.
type HTTP struct{}

// Router extends nothing.
type Router struct{}

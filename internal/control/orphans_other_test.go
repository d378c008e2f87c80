//go:build !linux

package control_test

// systemRoles are what a process made of the test binary can be on this system only.
func systemRoles() map[string]func() { return nil }

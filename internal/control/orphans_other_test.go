//go:build !linux

package control_test

// systemRoles are the roles of a process of the test binary that only this system has.
func systemRoles() map[string]func() { return nil }

package ipctest_test

import (
	"testing"

	"hftrunner/ipc/ipctest"
)

func TestHubConformance(t *testing.T) {
	ipctest.Run(t, func(t *testing.T) ipctest.Fixture {
		hub := ipctest.NewHub(ipctest.Instruments(), nil)
		t.Cleanup(func() { hub.Close() })
		return hub
	})
}

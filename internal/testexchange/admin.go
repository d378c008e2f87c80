package testexchange

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

// admin puts the admin endpoint before a protocol.
type admin struct {
	venue.Protocol
	core *venue.Core
	mux  *http.ServeMux
}

func withAdmin(core *venue.Core, p venue.Protocol) *admin {
	a := &admin{Protocol: p, core: core, mux: http.NewServeMux()}
	a.mux.HandleFunc("GET /admin/state",
		func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, core.State()) })
	a.mux.HandleFunc("GET /admin/faults",
		func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, fault.Names()) })
	a.mux.HandleFunc("POST /admin/fault", a.arm)
	a.mux.HandleFunc("DELETE /admin/fault", func(w http.ResponseWriter, r *http.Request) {
		core.Faults.Clear(fault.Name(r.URL.Query().Get("name")))
		reply(w, http.StatusOK, core.Faults.Armed())
	})
	a.mux.HandleFunc("POST /admin/account", a.happen)
	a.mux.Handle("/", p)
	return a
}

// ServeHTTP serves the admin endpoint and, otherwise, the protocol.
func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// arm takes a fault as JSON (the fields of fault.Fault, the duration in nanoseconds) or as the text of the command
// line.
func (a *admin) arm(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	var f fault.Fault
	if len(body) > 0 && body[0] == '{' {
		err = json.Unmarshal(body, &f)
	} else {
		f, err = fault.Parse(string(body))
	}
	if err == nil {
		err = a.core.Faults.Arm(f)
	}
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, a.core.Faults.Armed())
}

// happen takes a venue.Happening as JSON.
func (a *admin) happen(w http.ResponseWriter, r *http.Request) {
	var h venue.Happening
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	err := d.Decode(&h)
	if err == nil {
		err = a.core.Happen(h)
	}
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, h)
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that is gone does not matter
}

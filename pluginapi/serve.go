package pluginapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/hftrunner/hftrunner/internal/control"
)

// stderr is the process's standard error as it was at the start: serving replaces os.Stderr by a detour through the
// control plane, which ends with it.
var stderr = os.Stderr

// Serve makes the process the strategy plugin p and never returns: it ends the process when the host says so or is
// gone. It is the only thing main does. What is logged through slog or log goes to the host like the entries of Logger.
// Without a host it says what the plugin is and exits with 2. It panics when the author has made a mistake: a bad name,
// no New, or wrong tags in P.
func Serve[P any](p Plugin[P]) {
	a, err := newAdapter(p, liveWiring())
	if err != nil {
		panic("pluginapi.Serve: " + err.Error())
	}
	slog.SetDefault(Logger()) // the log package writes there, too
	err = control.ServeStrategy(a)
	if errors.Is(err, control.ErrNotLaunched) {
		_, _ = fmt.Fprint(stderr, usage(a.description))
		os.Exit(2)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Logger returns a logger whose entries go to the host's log with their levels and attributes, at the level that the
// host logs. Any goroutine may use it.
func Logger() *slog.Logger { return slog.New(control.LogHandler(stderr)) }

// Describe returns what the host is told about p: its parameters as the tags of P say, or the author's mistakes.
func Describe[P any](p Plugin[P]) (control.Description, error) {
	a, err := newAdapter(p, wiring{})
	if err != nil {
		return control.Description{}, err
	}
	return a.description, nil
}

// Params returns the parameters that raw, a JSON object, gives, with the defaults of P's tags for what is left out; a
// nil raw gives the defaults. It is for a strategy that runs without a host, on a bot that somebody else has built; see
// Backtest for one that runs over recorded data. Wrong values are reported all at once.
func Params[P any](raw json.RawMessage) (P, error) {
	var none, p P
	tags, err := readParameters(reflect.TypeFor[P]())
	if err != nil {
		return none, err
	}
	if err := tags.decode(&p, raw); err != nil {
		return none, err // half of what is wanted is not for use
	}
	return p, nil
}

// checkPlugin returns the author's mistakes.
func checkPlugin[P any](p Plugin[P]) (parameters, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(p.Name) {
		return parameters{}, fmt.Errorf("the plugin's name is %q: use lower case letters, digits and dashes", p.Name)
	}
	if p.New == nil {
		return parameters{}, fmt.Errorf("plugin %s has no New", p.Name)
	}
	tags, err := readParameters(reflect.TypeFor[P]())
	if err != nil {
		return parameters{}, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	return tags, nil
}

// usage is what the plugin says of itself to somebody who executes it.
func usage(d control.Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s is a strategy plugin of hftrunner and cannot run by itself: put it into the plugin directory and name it in a strategy block.\n", d.Name, d.Version)
	if d.Doc != "" {
		fmt.Fprintf(&b, "%s\n", d.Doc)
	}
	for _, p := range d.Params {
		fmt.Fprintf(&b, "  %s (%s", p.Name, p.Type)
		if p.Required() {
			b.WriteString(", required)")
		} else {
			fmt.Fprintf(&b, ", default %s)", p.DefaultJSON())
		}
		if p.Doc != "" {
			b.WriteString(" " + p.Doc)
		}
		b.WriteString("\n")
	}
	return b.String()
}

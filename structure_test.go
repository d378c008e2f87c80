// Package hftrunner_test holds the rules about the structure of the whole tree: who may import whom, where unsafe may
// stand, that every package says what it is, and that files and functions stay small.
package hftrunner_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// own is what the import paths of our packages begin with.
const own = "github.com/hftrunner/hftrunner/"

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	Deps       []string
	Doc        string
}

// path is the package's path within the module.
func (p pkg) path() string { return strings.TrimPrefix(p.ImportPath, own) }

// packageList is what the go command says of the tree, asked once.
var packageList = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("go", "list", "-json=ImportPath,Dir,Imports,Deps,Doc", "./...").Output()
})

func listPackages(t *testing.T) []pkg {
	t.Helper()
	out, err := packageList()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath+"/" != own {
			list = append(list, p)
		}
	}
}

// importRule says which packages of ours the package from may import, and why no others.
type importRule struct {
	from, reason string
	to           []string
}

// allowed lists, for each package of ours, the packages of ours it may import. A pattern that ends in /... stands for
// everything below, too.
var allowed = []importRule{
	{"hft", "the vocabulary depends on nothing", nil},
	{"depth", "books know the vocabulary only, and who keeps them", []string{"hft", "internal/sole"}},
	{"internal/testkit/depthtest", "a kit for books", []string{"hft", "depth", "internal/testkit/datatest"}},
	{"sim", "the models of a simulated exchange are for authors", []string{"hft"}},
	{"internal/exchange", "the exchange serves paper and backtest alike", []string{"hft", "depth", "sim"}},
	{"internal/shm", "shared memory knows bytes, not trading", nil},
	{"internal/bench/latency", "measures shared memory alone", []string{"internal/shm"}},
	{"internal/journal", "a record of what happened, which knows no host", []string{"hft"}},
	{"internal/sole", "a check without dependencies", nil},
	{"internal/ring", "what both ends of the data plane have in common", []string{"hft", "internal/shm"}},
	{"ipc", "the data plane knows neither host nor control plane", []string{"hft", "internal/ring", "internal/sole", "internal/shm"}},
	{"internal/hostipc", "the host's end of the data plane", []string{"hft", "ipc", "internal/ring", "internal/shm"}},
	{"internal/testkit/ipctest", "a kit for channels", []string{"hft", "ipc"}},
	{"internal/local", "the rules of a bot's own orders, for live and backtest alike", []string{"hft"}},
	{"live", "a bot lives in the strategy's process", []string{"hft", "depth", "internal/sole", "ipc", "internal/local"}},
	{"backtest", "a backtest knows recorded rows, no venue and no process", []string{"hft", "depth", "internal/exchange", "internal/sole", "sim", "internal/local", "internal/risk",
		"backtest/npy", "risk"}},
	{"backtest/npy", "files of rows, whatever the rows are", nil},
	{"internal/check", "looks at rows, wherever they come from", []string{"hft", "depth"}},
	{"backtest/stats", "statistics of the recorder's rows", []string{"sim", "backtest"}},
	{"internal/report", "draws what it is given", []string{"hft", "backtest/stats"}},
	{"internal/batch/convert", "is given its decoders", []string{"hft", "depth", "connector", "internal/feed", "internal/recording", "backtest/npy"}},
	{"internal/recording", "files of recorded messages, for replay and conversion", []string{"hft"}},
	{"connector/bybit", "the venue of Bybit", []string{"connector", "connector/bybit/internal/linear"}},
	{"connector/bybit/internal/linear", "a venue does not import another", []string{
		"connector", "connector/internal/budget", "connector/internal/scan", "connector/internal/stream",
		"connector/protocol", "connector/venue", "hft"}},
	{"connector", "a connector knows neither shared memory nor bots", []string{"hft"}},
	{"connector/connectortest", "a kit for connectors", []string{"connector", "hft", "internal/testkit/sinktest"}},
	{"internal/testkit/sinktest", "a kit for connectors", []string{"connector", "hft"}},
	{"internal/depthsync", "shared by venues", []string{"connector", "hft"}},
	{"connector/feed", "the feed for connectors of others", []string{"connector", "hft", "internal/feed"}},
	{"internal/feed", "the only place that decides what is published of a feed, for live, replay and conversion alike",
		[]string{
			"connector", "internal/depthsync", "internal/recording", "depth", "hft"}},
	{"connector/internal/scan", "shared by the two Binance venues, which do not import each other", []string{
		"connector", "hft"}},
	{"internal/testkit/scantest", "a kit for decoders", []string{"hft", "connector"}},
	{"connector/binance", "the two venues of Binance", []string{
		"connector", "connector/binance/internal/binancefutures", "connector/binance/internal/binancespot"}},
	{"connector/binance/internal/binancefutures", "a venue does not import another", []string{
		"connector", "connector/binance/internal/binanceapi", "connector/internal/scan", "connector/protocol",
		"connector/venue", "hft"}},
	{"connector/binance/internal/binancespot", "a venue does not import another", []string{
		"connector", "connector/binance/internal/binanceapi", "connector/internal/scan", "connector/protocol",
		"connector/venue", "hft"}},
	{"connector/protocol", "data and interfaces only", []string{"connector", "hft"}},
	{"connector/internal/clientid", "names of orders", []string{"connector"}},
	{"connector/internal/blotter", "the record of orders of any venue, without input and output", []string{
		"connector", "connector/internal/clientid", "connector/protocol", "hft"}},
	{"connector/internal/stream", "keeps any WebSocket connection", []string{"connector/protocol"}},
	{"connector/internal/budget", "counts, for any venue", []string{"connector/protocol"}},
	{"connector/internal/clocksync", "measures any clock", nil},
	{"connector/venue", "runs any protocol, knows no venue", []string{
		"connector", "internal/feed", "connector/internal/blotter", "connector/internal/budget",
		"connector/internal/clientid", "connector/internal/clocksync", "connector/internal/stream",
		"connector/internal/venuecheck", "connector/protocol", "hft"}},
	{"connector/internal/venuecheck", "looks at any venue, knows none", []string{
		"connector", "connector/internal/clientid", "connector/internal/clocksync", "connector/internal/stream",
		"connector/protocol", "hft"}},
	{"connector/binance/internal/binanceapi", "shared by the two Binance venues, which do not import each other",
		[]string{
			"connector", "connector/internal/budget", "connector/internal/stream", "connector/protocol", "hft"}},
	{"internal/paper", "paper simulates any venue's feed", []string{
		"connector", "internal/feed", "depth", "hft", "internal/exchange", "sim"}},
	{"internal/replay", "replay is given its decoders", []string{
		"connector", "internal/feed", "internal/paper", "internal/recording", "hft"}},
	{"internal/testexchange/...", "an exchange of its own, which knows nothing of the connectors that are tested with it", []string{"hft", "connector",
		"internal/paper", "internal/replay", "internal/testexchange/..."}},
	{"cmd/testexchange", "the command line of the exchange gives it its decoders", []string{
		"connector", "connector/binance", "connector/bybit", "internal/testexchange", "internal/testexchange/fault"}},
	{"internal/collector", "writes what others read", nil},
	{"internal/venues", "makes the connectors of live venues for tests, as the runner does", []string{
		"connector", "connector/binance", "connector/bybit", "internal/feed", "connector/protocol", "connector/venue",
		"internal/settings", "internal/hostipc"}},
	{"internal/record", "records what a venue's connector takes", []string{
		"connector", "internal/feed", "hft", "internal/collector", "internal/hostipc"}},
	{"internal/testkit/datatest", "says where the data of tests are", nil},
	{"internal/testkit/sampletest", "recordings for tests", []string{"internal/recording", "internal/sample", "internal/testkit/datatest", "internal/testkit/depthtest"}},
	{"internal/sample", "records the loopback exchange", []string{"internal/collector", "internal/testexchange/..."}},
	{"internal/e2e/soak", "tests of live connectors against the loopback exchange", nil},
	{"internal/e2e/parity", "tests of one contract in all worlds", nil},
	{"internal/e2e/badplugin", "a strategy sees its bot", []string{"hft", "pluginapi"}},
	{"internal/settings", "one schema of everything that can be set; depends on nothing", nil},
	{"internal/control", "the control plane carries attachments and parameters", []string{"ipc", "internal/control/internal/...", "internal/settings"}},
	{"internal/control/internal/...", "generated", nil},
	{"internal/bench/table", "a tool", nil},
	{"internal/bench/ticktoorder", "measures the host with everything but a venue", []string{
		"connector", "connector/binance", "internal/feed", "hft", "host", "ipc", "pluginapi"}},
	{"internal/modulepath", "a tool", nil},
	{"risk", "limits of orders, as they are set", nil},
	{"internal/risk", "limits of orders: one gate for host and backtest, without a clock", []string{"hft", "risk"}},
	{"pluginapi", "what an author imports", []string{"hft", "depth", "live", "ipc", "backtest", "internal/control", "internal/settings"}},
	{"host", "the host knows no venue and no strategy", []string{"hft", "depth", "ipc", "internal/hostipc", "internal/journal", "connector", "internal/control",
		"internal/risk", "internal/runlog", "risk"}},
	{"internal/runlog", "takes lines, from whomever", nil},
	{"runner/internal/config", "the configuration names venues and plugins but runs none", []string{
		"backtest", "connector", "connector/venue", "internal/control", "internal/settings", "risk"}},
	{"internal/rowfile", "files of what came out of a backtest", []string{"hft", "sim", "backtest"}},
	{"internal/history", "reads what a host has written; knows no host", []string{"hft", "internal/rowfile", "internal/journal"}},
	{"internal/batch", "runs many backtests; knows no command line", []string{"hft", "sim", "backtest", "backtest/...", "connector", "internal/batch/convert", "internal/check",
		"internal/control", "internal/report", "internal/rowfile"}},
	{"cmd/runner", "ten lines: the kinds of connectors", []string{"connector/binance", "connector/bybit", "runner"}},
	{"runner/...", "the wiring knows everything but strategies", []string{"host", "ipc", "internal/hostipc", "internal/bench/...", "connector/...",
		"backtest/...", "internal/batch/...", "internal/check", "internal/control", "internal/feed", "internal/history", "internal/paper",
		"internal/record", "internal/recording", "internal/replay",
		"internal/rowfile", "internal/runlog", "internal/sample", "internal/journal", "runner/..."}},
	{"plugins/...", "a strategy sees its bot", []string{"hft", "pluginapi"}},
}

// monopolies lists the only packages that may import something from outside.
var monopolies = []struct {
	what, reason string
	by           []string
}{
	{"github.com/hashicorp/go-plugin", "one package owns the plugin boundary", []string{"internal/control"}},
	{"google.golang.org/grpc", "the control plane is converted in one place", []string{"internal/control", "internal/control/internal/..."}},
	{"github.com/hashicorp/hcl/v2", "one package reads the configuration", []string{"runner/internal/config"}},
	{"github.com/knadh/koanf", "one package reads the configuration", []string{"runner/internal/config"}},
	{"modernc.org/sqlite", "one package keeps the history", []string{"internal/history"}},
	{"golang.org/x/sys", "system calls of the data plane stand in one place", []string{"internal/shm"}},
}

// matches reports whether a package path of ours is covered by a pattern.
func matches(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return pattern == path
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// ruleFor returns the first rule that covers a package.
func ruleFor(path string) (importRule, bool) {
	i := slices.IndexFunc(allowed, func(r importRule) bool { return matches(r.from, path) })
	if i < 0 {
		return importRule{}, false
	}
	return allowed[i], true
}

func TestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		from := p.path()
		rule, ok := ruleFor(from)
		if !ok {
			t.Errorf("package %s has no import rule: add one with its reason", from)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, own)
			if ours && !matchesAny(rule.to, to) {
				t.Errorf("%s may not import %s: %s", from, to, rule.reason)
			}
			if ours {
				continue
			}
			for _, m := range monopolies {
				if (imported == m.what || strings.HasPrefix(imported, m.what+"/")) && !matchesAny(m.by, from) {
					t.Errorf("%s may not import %s: %s (%s)", from, imported, m.reason, strings.Join(m.by, ", "))
				}
			}
		}
	}
}

// TestFarDependencies looks at what a package brings along, not only at what it names.
func TestFarDependencies(t *testing.T) {
	bans := map[string][]string{
		"hft":               {own, "github.com/", "golang.org/", "google.golang.org/"},
		"depth":             {own + "ipc", own + "live", own + "host", "github.com/hashicorp/go-plugin"},
		"sim":               {own + "ipc", own + "live", own + "host", "github.com/hashicorp/go-plugin"},
		"internal/exchange": {own + "ipc", own + "live", own + "host", "github.com/hashicorp/go-plugin"},
		"connector":         {own + "ipc", own + "live", own + "host", "github.com/hashicorp/go-plugin"},
		"live":              {own + "host", "github.com/hashicorp/go-plugin", "google.golang.org/grpc"},
		"host":              {own + "live", own + "pluginapi", "github.com/hashicorp/hcl"},
	}
	for _, p := range listPackages(t) {
		for _, dep := range p.Deps {
			for _, ban := range bans[strings.TrimPrefix(p.ImportPath, own)] {
				if strings.HasPrefix(dep, ban) {
					t.Errorf("%s brings along %s", p.ImportPath, dep)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.Doc) < 40 {
			t.Errorf("%s has no package comment worth the name: %q", p.ImportPath, p.Doc)
		}
	}
}

// sourceFile is a Go file of the tree.
type sourceFile struct {
	path string
	file *ast.File
	set  *token.FileSet
}

// parsed are all Go files that people write. Most tests go through them, so they are read once.
var parsed = sync.OnceValues(func() (list []sourceFile, err error) {
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		list = append(list, sourceFile{path, file, set})
		return err
	})
	return list, err
})

// sources calls fn for each Go file of the tree that people write.
func sources(t *testing.T, fn func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	list, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		fn(f.path, f.file, f.set)
	}
}

func TestUnsafeHasItsOwnFiles(t *testing.T) {
	own := regexp.MustCompile(`_unsafe(_[a-z0-9]+)*\.go$`)
	sources(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, i := range file.Imports {
			if i.Path.Value == `"unsafe"` && !own.MatchString(path) {
				t.Errorf("%s imports unsafe: move that part to a file named *_unsafe.go", path)
			}
		}
	})
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	const maxFile, maxFunction = 420, 75 // lines
	functions(t, func(path string, file *ast.File, set *token.FileSet) {
		if n := set.Position(file.End()).Line; n > maxFile {
			t.Errorf("%s has %d lines: is it one thing?", path, n)
		}
	}, func(path string, f *ast.FuncDecl, set *token.FileSet) {
		if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxFunction {
			t.Errorf("%s: %s has %d lines", path, f.Name.Name, n)
		}
	})
}

// functions calls each for every file that is no test, and declared for every function with a body in it.
func functions(t *testing.T, each func(path string, file *ast.File, set *token.FileSet),
	declared func(path string, f *ast.FuncDecl, set *token.FileSet)) {
	t.Helper()
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		each(path, file, set)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				declared(filepath.ToSlash(path), f, set)
			}
		}
	})
}

// maxBranches is how many branches a function may have; see branchesOf.
const maxBranches = 15

// branchy lists the functions that have more branches, by folder and name, and how many at most. The list only gets shorter.
var branchy = map[string]int{
	"connector/internal/budget banned":      18,
	"connector/bybit/internal/linear trade": 19,
	"internal/feed compare":                 19,
	"internal/feed measure":                 16,
	"internal/feed takeDepth":               20,
	"connector/internal/scan appendRows":    16,
	"connector/internal/scan key":           17,
	"connector/internal/scan letterKey":     18,
	"connector/internal/scan member":        16,
	"connector/internal/scan object":        20,
	"connector/internal/scan usualRows":     16,
	"internal/replay check":                 24,
	"connector/venue New":                   18,
	"connector/venue Unaccounted":           18,
	"connector/venue advance":               22,
	"connector/venue askSteps":              16,
	"connector/venue perform":               17,
	"connector/venue request":               19,
	"connector/venue strayed":               16,
	"internal/journal take":                 17,
	"internal/journal Verify":               21,
	"internal/journal infoOf":               27,
}

// branchesOf counts as gocyclo does: one for the function, and one for each if, for, case, && and ||.
func branchesOf(f *ast.FuncDecl) int {
	n := 1
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

func TestFunctionsHaveFewBranches(t *testing.T) {
	most := make(map[string]int)
	functions(t, func(string, *ast.File, *token.FileSet) {}, func(path string, f *ast.FuncDecl, set *token.FileSet) {
		n := branchesOf(f)
		name := filepath.ToSlash(filepath.Dir(path)) + " " + f.Name.Name
		most[name] = max(most[name], n)
		if n > max(maxBranches, branchy[name]) {
			t.Errorf("%s: %s has %d branches, more than %d: give its steps names of their own", set.Position(f.Pos()), f.Name.Name, n,
				max(maxBranches, branchy[name]))
		}
	})
	for name := range branchy {
		if most[name] <= maxBranches {
			t.Errorf("%s has no more than %d branches: take it out of the list branchy", name, maxBranches)
		}
	}
}

// TestTestsDoNotSleep counts the calls of time.Sleep in tests that are no pause between two looks at a condition. What a test waits for
// is an event, or a clock that the test moves (testing/synctest).
func TestTestsDoNotSleep(t *testing.T) {
	const ceiling = 69 // lower it when there are fewer; up to ten fewer are let pass
	var found []string
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		var around []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				around = around[:len(around)-1]
				return true
			}
			if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "time.Sleep" && !looks(around) && !faked(around) {
				found = append(found, set.Position(call.Pos()).String())
			}
			around = append(around, n)
			return true
		})
	})
	if n := len(found); n > ceiling || n < ceiling-10 {
		t.Errorf("time.Sleep is called %d times in tests outside of a loop that looks at a condition, not %d: wait for the event, or move a clock. "+
			"When there are fewer, lower the ceiling\n%s", len(found), ceiling, strings.Join(found, "\n"))
	}
}

// looks reports whether the innermost loop around a call is one that goes on until a condition holds.
func looks(around []ast.Node) bool {
	for _, n := range slices.Backward(around) {
		switch n.(type) {
		case *ast.ForStmt:
			return true
		case *ast.FuncLit, *ast.RangeStmt:
			return false
		}
	}
	return false
}

// faked reports whether a call stands in a function that is handed to synctest.Test, where nobody sleeps.
func faked(around []ast.Node) bool {
	return slices.ContainsFunc(around, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		return ok && types.ExprString(call.Fun) == "synctest.Test"
	})
}

// TestLinesAreShort counts the lines of more than 120 columns, a tab being four. There may not be more of them than there were.
func TestLinesAreShort(t *testing.T) {
	const maxColumns, tab = 120, "    "
	// With a ceiling that is much too high somebody has made lines shorter: lower it.
	const slack = 300
	ceilings := map[bool]int{false: 1350, true: 1600} // of tests, or not
	long := make(map[bool]int)
	sources(t, func(path string, _ *ast.File, _ *token.FileSet) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if utf8.RuneCountInString(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", tab)) > maxColumns {
				long[strings.HasSuffix(path, "_test.go")]++
			}
		}
	})
	for test, ceiling := range ceilings {
		switch n := long[test]; {
		case n > ceiling:
			t.Errorf("%d lines of more than %d columns (in tests: %v), not %d: wrap those that you have added", n, maxColumns, test, ceiling)
		case n < ceiling-slack:
			t.Errorf("only %d lines of more than %d columns (in tests: %v): lower the ceiling of %d", n, maxColumns, test, ceiling)
		}
	}
}

func TestNoInitAndNoVagueNames(t *testing.T) {
	vague := regexp.MustCompile(`(^|/)(util|utils|common|types|manager|helpers|misc)(/|\.go$)`)
	sources(t, func(path string, file *ast.File, _ *token.FileSet) {
		if vague.MatchString(filepath.ToSlash(path)) {
			t.Errorf("%s: a name that says nothing", path)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: wire it where it is used", path)
			}
		}
	})
}

// TestDataHaveOnePlace keeps what becomes of a test without its data in one place.
func TestDataHaveOnePlace(t *testing.T) {
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		path = filepath.ToSlash(path)
		if strings.HasPrefix(path, "internal/testkit/datatest/") || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "test/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			arg, ok := call.Args[0].(*ast.BasicLit)
			if sel, get := call.Fun.(*ast.SelectorExpr); ok && get && sel.Sel.Name == "Getenv" && strings.HasPrefix(arg.Value, `"HFTRUNNER_DATA`) {
				t.Errorf("%s: use a path from package datatest, or a sample from package sampletest", set.Position(n.Pos()))
			}
			return true
		})
	})
}

// onMachineTime names the files that are given a clock and have timers of the machine all the same, each with its reason. They
// wait for a live venue, which waits for no clock of a test's.
var onMachineTime = map[string]string{
	"connector/binance/internal/binanceapi/restrictions.go": "deadline of an HTTP request that is not to delay a start",

	"connector/binance/internal/binanceapi/client.go": "deadline of an HTTP request",
	"connector/binance/internal/binanceapi/entry.go":  "deadline of a request over the WebSocket API, before it goes by REST",
	"connector/bybit/internal/linear/limit.go":        "deadline of an answer, before a cancel counts in the budget without it",
	"connector/bybit/internal/linear/query.go":        "pause between requests to a live venue",
	"connector/bybit/internal/linear/rest.go":         "pause between requests to a live venue, within the request's deadline",
	"connector/bybit/internal/linear/trade.go":        "deadline of a cancel over the socket, before it goes by REST",
	"connector/internal/clocksync/sync.go":            "measures the machine's clock against the venue's: no other clock will do",
	"connector/connectortest/clock.go":                "the wall clock of a live connector under test",
	"connector/connectortest/kit.go":                  "how long a test waits before it fails",
	"connector/internal/stream/conn.go":               "deadline of the venue's answer to a close frame",
	"connector/internal/stream/loop.go":               "pauses between connections, and looks for suspensions of the machine, in which timers stand still",
	"connector/internal/stream/open.go":               "deadlines of a socket's handshake and of the venue's greeting",
	"connector/internal/stream/outage.go":             "tells an outage a while later, when nothing else may happen that would tell it",
	"connector/internal/stream/watch.go":              "pings of a socket and deadlines of its silence",
	"connector/internal/stream/wire.go":               "deadline of a write to a socket",
	"connector/venue/account.go":                      "deadlines of requests",
	"connector/venue/clock.go":                        "looks for suspensions of the machine, in which timers stand still, and pauses between requests",
	"connector/venue/executions.go":                   "deadlines of requests",
	"connector/venue/deadman.go":                      "the venue's dead-man's switch runs on real time: so do its refreshes and their deadlines",
	"connector/venue/feeprice.go":                     "deadline of a request",
	"connector/venue/happened.go":                     "deadline of a request",
	"connector/venue/learn.go":                        "deadlines of requests",
	"connector/venue/market.go":                       "deadline of a request for a snapshot",
	"connector/venue/pace.go":                         "pause that the venue asks for, and deadline of a late answer",
	"connector/venue/positions.go":                    "deadline of a request",
	"connector/venue/quiet.go":                        "deadline of a request",
	"connector/venue/register.go":                     "deadline of a request",
	"connector/venue/send.go":                         "deadlines of requests and of late answers",
	"connector/venue/steps.go":                        "deadline of a request",
	"connector/venue/strays.go":                       "deadlines of requests, and the pause that the venue asks for",
	"connector/venue/sweep.go":                        "deadlines of requests and of a late answer",
	"connector/internal/venuecheck/rules.go":          "pause between requests to a live venue, and their deadlines",
	"connector/internal/venuecheck/streams.go":        "how long a connection is waited for",
	"connector/venue/trade.go":                        "deadline of what is still unanswered at the end of a run",
}

// machineTime is what of packages time and context reads the machine's clock or waits for it.
var machineTime = []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.Tick", "time.After", "time.AfterFunc", "time.NewTimer",
	"time.NewTicker", "context.WithTimeout", "context.WithTimeoutCause", "context.WithDeadline", "context.WithDeadlineCause"}

// TestTimeIsGiven keeps the machine's clock, timers and deadlines out of code that is given a clock. Nobody is excused whom
// nothing keeps from asking the clock that is given.
func TestTimeIsGiven(t *testing.T) {
	idle := maps.Clone(onMachineTime)
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		path = filepath.ToSlash(path)
		timed := strings.HasPrefix(path, "depth/") || strings.HasPrefix(path, "sim/") || strings.HasPrefix(path, "internal/exchange/") ||
			strings.HasPrefix(path, "connector/") || strings.HasPrefix(path, "internal/depthsync/") ||
			strings.HasPrefix(path, "internal/replay/") || strings.HasPrefix(path, "internal/paper/") ||
			strings.HasPrefix(path, "internal/recording/") ||
			strings.HasPrefix(path, "plugins/examples/")
		if !timed || strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(machineTime, types.ExprString(sel)) {
				return true
			}
			if onMachineTime[path] == "" {
				t.Errorf("%s: %s where a clock is given: ask that one, or add the file to onMachineTime with its reason", set.Position(n.Pos()),
					types.ExprString(sel))
			}
			delete(idle, path)
			return true
		})
	})
	for path := range idle {
		t.Errorf("%s waits for no clock of the machine: take it out of onMachineTime", path)
	}
}

// TestLiveConnectorsAreMadeInOnePlace keeps tests from being wired otherwise than the runner: who needs a connector to a
// live venue, or its protocol, has it made by internal/venues. Only the packages of connector/ test themselves.
func TestLiveConnectorsAreMadeInOnePlace(t *testing.T) {
	makers := []string{own + "connector/venue"}
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		path = filepath.ToSlash(path)
		if strings.HasPrefix(path, "connector/") || strings.HasPrefix(path, "internal/venues/") {
			return
		}
		names := map[string]bool{}
		for _, i := range file.Imports {
			imported := strings.Trim(i.Path.Value, `"`)
			if !slices.Contains(makers, imported) {
				continue
			}
			name := imported[strings.LastIndexByte(imported, '/')+1:]
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name] = true
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && names[x.Name] && (sel.Sel.Name == "New" || sel.Sel.Name == "Config") {
				t.Errorf("%s: %s.%s: have it made by internal/venues, as the runner does", set.Position(n.Pos()), x.Name, sel.Sel.Name)
			}
			return true
		})
	})
}

// TestOneWallClock: time stamps and signatures come from one clock, which no setting of the machine's moves (hostipc.Clock). Who
// reads the machine's wall clock as a number makes another. Readings that are only compared with each other, as time.Time,
// are monotonic and no matter.
func TestOneWallClock(t *testing.T) {
	allowed := map[string]string{
		"internal/hostipc/machine.go": "the clock itself",
		"runner/wiring.go":            "where the own time of a synthetic market begins",
		"cmd/testexchange/":           "the exchange is another machine",
		"internal/testexchange/":      "the exchange is another machine",
		"connector/connectortest":     "a kit for tests",
		"internal/testkit/ipctest/":   "a kit for tests",
	}
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		path = filepath.ToSlash(path)
		for prefix := range allowed {
			if strings.HasPrefix(path, prefix) {
				return
			}
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !strings.HasPrefix(sel.Sel.Name, "Unix") {
				return true
			}
			call, ok := sel.X.(*ast.CallExpr)
			if !ok {
				return true
			}
			if now, ok := call.Fun.(*ast.SelectorExpr); ok && now.Sel.Name == "Now" {
				t.Errorf("%s: a second wall clock: ask the one that is given", set.Position(n.Pos()))
			}
			return true
		})
	})
}

// TestNoLogUnderALock looks for log calls between Lock and Unlock of a mutex of the host and of what carries orders, and in
// functions whose comment says that the lock is held, also by way of functions of the same package: a log call formats, and
// whoever wants the lock would wait for it.
func TestNoLogUnderALock(t *testing.T) {
	places := []string{"host", "connector/venue", "connector/internal/blotter", "connector/internal/stream"}
	functions := make(map[string][]*ast.FuncDecl) // by folder
	positions := make(map[*ast.FuncDecl]*token.FileSet)
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || !slices.Contains(places, dir) {
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				functions[dir] = append(functions[dir], f)
				positions[f] = set
			}
		}
	})
	for _, list := range functions {
		l := newLockReader(list)
		for _, f := range list {
			held := f.Doc != nil && regexp.MustCompile(`(?i)\block is held|mu is held`).MatchString(strings.Join(strings.Fields(f.Doc.Text()), " "))
			l.read(f, held, func(call *ast.CallExpr) {
				t.Errorf("%s: %s logs while a lock is held", positions[f].Position(call.Pos()), f.Name.Name)
			})
		}
	}
}

// TestLogsUnderLocksAreFound: what TestNoLogUnderALock is to find, and what not.
func TestLogsUnderLocksAreFound(t *testing.T) {
	const head = "package p\nfunc (c *C) tell() { c.log.Warn(\"x\") }\nfunc (c *C) through() { c.tell() }\nfunc (c *C) later() { go c.tell() }\nfunc (c *C) f() {\n"
	for body, want := range map[string]int{
		`c.mu.Lock(); c.log.Warn("x"); c.mu.Unlock()`:                                   1,
		`c.mu.Lock(); c.mu.Unlock(); c.log.Warn("x")`:                                   0,
		`c.mu.Lock(); defer c.mu.Unlock(); if a { c.outage.Works(1) }`:                  1,
		`c.mu.Lock(); if a { c.mu.Unlock(); c.log.Warn("x"); return }; c.log.Warn("y")`: 1,
		`c.mu.Lock(); d.mu.Lock(); d.mu.Unlock(); c.log.Warn("x")`:                      1,
		`c.mu.RLock(); c.through()`:                                                     1,
		`c.mu.Lock(); c.later(); go func() { c.log.Warn("x") }()`:                       0,
		`switch { case a: c.mu.Lock(); b(); c.mu.Unlock() }; c.tell()`:                  0,
		`defer c.log.Warn("x"); c.mu.Lock(); defer c.mu.Unlock()`:                       0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", head+body+"\n}\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		var list []*ast.FuncDecl
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				list = append(list, f)
			}
		}
		got := 0
		newLockReader(list).read(list[len(list)-1], false, func(*ast.CallExpr) { got++ })
		if got != want {
			t.Errorf("%d found in %s, want %d", got, body, want)
		}
	}
}

// lockReader reads functions of one package from top to bottom. What a function literal does is done later, and a deferred call
// when the locks are free that were deferred after it.
type lockReader struct {
	logs map[string]bool // functions and methods that log, by name
}

func newLockReader(list []*ast.FuncDecl) *lockReader {
	l := &lockReader{logs: make(map[string]bool)}
	declared := make(map[string]int)
	for _, f := range list {
		declared[f.Name.Name]++
	}
	for found := true; found; {
		found = false
		for _, f := range list {
			if name := f.Name.Name; !l.logs[name] && declared[name] == 1 { // of several only the types would tell which it is
				l.read(f, true, func(*ast.CallExpr) { l.logs[name], found = true, true })
			}
		}
	}
	return l
}

// read reports the log calls of a function that are made under a lock, or all with held.
func (l *lockReader) read(f *ast.FuncDecl, held bool, report func(*ast.CallExpr)) {
	locks := make(map[string]bool)
	if held {
		locks["the caller's"] = true
	}
	l.block(f.Body.List, locks, report)
}

// block reads statements and reports whether they end the function or the loop; locks is what is held then.
func (l *lockReader) block(list []ast.Stmt, locks map[string]bool, report func(*ast.CallExpr)) (leaves bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit, *ast.DeferStmt, *ast.GoStmt:
				return false
			case *ast.BlockStmt:
				l.branch(n.List, locks, report)
				return false
			case *ast.CaseClause:
				l.branch(n.Body, locks, report)
				return false
			case *ast.CommClause:
				l.branch(n.Body, locks, report)
				return false
			case *ast.ReturnStmt, *ast.BranchStmt:
				leaves = true
			case *ast.CallExpr:
				l.call(n, locks, report)
			}
			return true
		})
	}
	return leaves
}

// branch reads statements that may not be gone through: one that ends there leaves nothing to those behind it.
func (l *lockReader) branch(list []ast.Stmt, locks map[string]bool, report func(*ast.CallExpr)) {
	inside := maps.Clone(locks)
	if l.block(list, inside, report) {
		return
	}
	clear(locks)
	maps.Copy(locks, inside)
}

func (l *lockReader) call(n *ast.CallExpr, locks map[string]bool, report func(*ast.CallExpr)) {
	if id, ok := n.Fun.(*ast.Ident); ok && len(locks) > 0 && l.logs[id.Name] {
		report(n)
	}
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	on, field := sel.X.(*ast.SelectorExpr)
	switch name := sel.Sel.Name; name {
	case "Lock", "RLock":
		locks[types.ExprString(sel.X)] = true
	case "Unlock", "RUnlock":
		delete(locks, types.ExprString(sel.X))
	case "Debug", "Info", "Warn", "Error", "Log", "Failed", "Works":
		if len(locks) > 0 && field && slices.Contains([]string{"log", "Logger", "outage", "Outage"}, on.Sel.Name) {
			report(n)
		}
	default:
		if len(locks) > 0 && l.logs[name] {
			report(n)
		}
	}
}

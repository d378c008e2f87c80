package hftrunner_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxCommentFindings is the number of comments that wordings still finds. It only goes down: lower it when you rewrite
// comments. The test also fails when it is more than commentSlack too high.
const (
	maxCommentFindings = 1415
	commentSlack       = 40
)

// wording is a way of saying something that stops a native reader.
type wording struct {
	find    string
	instead string // what to write
	except  string // removed from the text before the search
}

var wordings = []wording{
	{`^\w+ (is|are) (what|when|why|how|where|until) `, "a noun: `Config configures a Blotter`, `retryPause is the delay before a retry`", ``},
	{`^\w+ says (that|whether|why|how|when|what) `, "reports whether, is true while", ``},
	{`\bis what an? \w+ is, too\b`, "is an optional interface for", ``},
	{`^(of|about) \w+`, "a phrase that can be read alone", `^of (returns|makes|tells|at most|at least)\b`},
	{`\b(is|are|was|were) told\b`, "is reported, is notified, receives", `told (apart|to)\b`},
	{`\b(is|are) no \w+`, "is not a", `[Tt]here (is|are) no|\b(is|are) no (longer|such|more|less|one|matter|reason|need)\b`},
	{`\bany more\b`, "no longer", ``},
	{`\banew\b|\bfor ever\b`, "again, forever", `for ever more`},
	{`\bbut for\b`, "except", ``},
	{`\bof (others|ours|theirs)\b`, "external, other clients', our", ``},
	{`\b(stops?|ends?|ended|stopped|down) (it )?in order\b|\bends? (it )?at once\b|\bonce more ends\b`, "gracefully; immediately, forced",
		`(orders|that) (that )?ends? at once`},
	{`\b(is|are|was|were) given up\b|\bgave up\b`, "failed permanently, cleared, gives up", ``},
	{`\b(is|are|was|were) taken for\b|\btakes? (it|them) for\b`, "is considered, is treated as", ``},
	{`\b(cannot|could not|not) be asked\b|\b(was )?not asked\b`, "cannot be fetched, not queried", ``},
	{`\bover for long\b|\bof no concern\b|\bnone of (our|this)\b`, "closed and forgotten, other clients'", ``},
	{`\bbeside\b`, "next to, alongside, besides", ``},
	{`\b[Ff]olders?\b|\bFOLDERS?\b`, "directory, DIR", ``},
	{`\bthe reference('s)?\b`, "hftbacktest, by name", `reference (price|implementation|results?|runs?)`},
	{`\b(stray|strays|heed|hush|beaten|exposed|unheard|suspect)\b`, "orphan, a plain verb", ``},
	{`\b(venue|server|exchange|host) (wants?|likes?|knew|believes?|hears?|tells? of)\b`, "requires, reports, receives", ``},
	{`\bthe record of orders\b|\bquestions? about\b`, "the order manager, query", ``},
	{`, also (when|if|no|a|in|of|one|that)\b`, "even if, not even, including", ``},
	{`\b(index|nil|text|digits) behind\b|\bbehind the (last|point|dictionary)\b`, "after", ``},
}

type englishRule struct {
	wording
	find, except *regexp.Regexp
}

// english collects what the rules find.
type english struct {
	rules    []englishRule
	comments int
	texts    []string // findings in user texts and documents
}

func newEnglish() *english {
	e := &english{}
	for _, w := range wordings {
		r := englishRule{wording: w, find: regexp.MustCompile(w.find)}
		if w.except != "" {
			r.except = regexp.MustCompile(w.except)
		}
		e.rules = append(e.rules, r)
	}
	return e
}

// check returns the findings in a text, each with what to write instead. Rules about how a text begins are for comments.
func (e *english) check(text string, comment bool) []string {
	var found []string
	for _, r := range e.rules {
		if strings.HasPrefix(r.wording.find, "^") && !comment {
			continue
		}
		t := text
		if r.except != nil {
			t = r.except.ReplaceAllString(t, "")
		}
		if m := r.find.FindString(t); m != "" {
			found = append(found, strconv.Quote(m)+"; instead: "+r.instead)
		}
	}
	return found
}

var codeSpan = regexp.MustCompile("`[^`]*`")

// document checks a file line by line, without code in backquotes, and a changelog up to its second release.
func (e *english) document(t *testing.T, path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	releases := 0
	for i, line := range strings.Split(string(content), "\n") {
		if strings.HasSuffix(path, "CHANGELOG.md") && strings.HasPrefix(line, "## ") {
			if releases++; releases == 2 {
				return
			}
		}
		for _, f := range e.check(codeSpan.ReplaceAllString(line, ""), false) {
			e.texts = append(e.texts, path+":"+strconv.Itoa(i+1)+": "+f)
		}
	}
}

// source counts the findings in comments, and in programs lists those in strings of three and more words.
func (e *english) source(t *testing.T, path string) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		found := e.check(strings.Join(strings.Fields(group.Text()), " "), true)
		e.comments += len(found)
		if testing.Verbose() {
			for _, f := range found {
				t.Logf("%s: %s", files.Position(group.Pos()), f)
			}
		}
	}
	if strings.HasSuffix(path, "_test.go") {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, _ := strconv.Unquote(literal.Value)
		if strings.Count(text, " ") < 2 {
			return true
		}
		found := e.check(text, false)
		if strings.HasSuffix(text, "?") && !strings.Contains(text, "did you mean") {
			found = append(found, "a question; instead: what to check")
		}
		for _, f := range found {
			e.texts = append(e.texts, files.Position(literal.Pos()).String()+": "+f)
		}
		return true
	})
}

// TestEnglish keeps user texts and documents free of the wordings above, and lets their number in comments only fall.
// With -v it lists them all.
func TestEnglish(t *testing.T) {
	e := newEnglish()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name == "data" || name == "state" || name == "bin" || strings.HasPrefix(name, ".") && path != "."):
			return fs.SkipDir
		case path == "english_test.go" || strings.HasSuffix(name, ".pb.go"):
		case strings.HasSuffix(name, ".go"):
			e.source(t, path)
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".hcl"):
			e.document(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range e.texts {
		t.Error(f)
	}
	switch {
	case e.comments > maxCommentFindings:
		t.Errorf("%d wordings in comments, at most %d are allowed: go test -v -run TestEnglish . lists them", e.comments, maxCommentFindings)
	case e.comments < maxCommentFindings-commentSlack:
		t.Errorf("%d wordings in comments: set maxCommentFindings to that", e.comments)
	}
}

package feed

import (
	"encoding/json"

	"github.com/hftrunner/hftrunner/connector"
)

// Form returns the report as it is told outside.
func (r *Report) Form() connector.FeedReport {
	form := connector.FeedReport{Symbol: r.Symbol, Depth: r.Depth, Snapshots: r.Snapshots, Quotes: r.Quotes, Trades: r.Trades,
		Findings: []connector.FeedFinding{}, Corrections: []connector.FeedCorrection{}, Lines: r.Lines()}
	for f := range NumFindings {
		if found := &r.Found[f]; found.N > 0 {
			one := exampleOf(&found.First)
			one.Finding, one.Count = f.Key(), found.N
			for i := range found.More {
				one.More = append(one.More, exampleOf(&found.More[i]))
			}
			form.Findings = append(form.Findings, one)
		}
	}
	for _, c := range r.Corrections {
		if c.OffsetNs != 0 {
			form.Corrections = append(form.Corrections, connector.FeedCorrection(c))
		}
	}
	return form
}

func exampleOf(p *Problem) connector.FeedFinding {
	return connector.FeedFinding{What: p.What, File: p.File, Line: p.Line, LocalNs: p.LocalNs}
}

// Forms returns the Forms of reports.
func Forms(reports []Report) []connector.FeedReport {
	forms := make([]connector.FeedReport, len(reports)) // none is no null in a summary
	for i := range reports {
		forms[i] = reports[i].Form()
	}
	return forms
}

// MarshalJSON returns the counts, and of the findings those that there are.
func (r Report) MarshalJSON() ([]byte, error) { return json.Marshal(r.Form()) }

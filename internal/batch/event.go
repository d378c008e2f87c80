package batch

import "github.com/hftrunner/hftrunner/backtest"

// EventKind is the kind of an Event.
type EventKind string

// Kinds of events.
const (
	// EventStart: the run begins; Jobs of Total are to be run, the others are finished already.
	EventStart EventKind = "start"
	// EventChanged: a job that was finished is run again because of what Text names.
	EventChanged EventKind = "changed"
	// EventConvert: File is being converted; Stage, Done and Total say how far.
	EventConvert EventKind = "convert"
	// EventConverted: it is done.
	EventConverted EventKind = "converted"
	// EventCheck: File is being looked over; Done of Total rows. EventChecked: it is done.
	EventCheck   EventKind = "check"
	EventChecked EventKind = "checked"
	// EventWarning: Text is wrong with File or Job.
	EventWarning EventKind = "warning"
	// EventJobStart: Job is handed to a process.
	EventJobStart EventKind = "job_start"
	// EventProgress: Job is at Progress.
	EventProgress EventKind = "progress"
	// EventJobEnd: Job ended with Status; Text says why it failed.
	EventJobEnd EventKind = "job_end"
)

// Event is something that happens during a Run.
type Event struct {
	Kind EventKind `json:"event"`
	// Job is a job's name, File a path.
	Job  string `json:"job,omitempty"`
	File string `json:"file,omitempty"`
	// Stage, Done and Total count in the unit of the kind.
	Stage string `json:"stage,omitempty"`
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"`
	// Progress is that of a job, nil otherwise.
	Progress *backtest.Progress `json:"progress,omitempty"`
	Status   Status             `json:"status,omitempty"`
	Text     string             `json:"text,omitempty"`
}

// Status is the outcome of a job.
type Status string

// Kinds of Status.
const (
	StatusFinished Status = "finished"
	StatusFailed   Status = "failed"
	// StatusSkipped: all of its data is outside of the period.
	StatusSkipped Status = "skipped"
	// StatusInterrupted: the run was ended before the job.
	StatusInterrupted Status = "interrupted"
)

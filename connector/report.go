package connector

// FeedReporter is implemented by connectors that report findings about their feeds; feed.Book counts them.
type FeedReporter interface {
	// FeedReports returns the findings of each symbol so far. Any goroutine may call it.
	FeedReports() []FeedReport
}

// FeedReport lists the findings about the feed of one symbol. `runner ps` shows the counts, the summary of a run all of it.
type FeedReport struct {
	Symbol string `json:"symbol"`
	// Depth, Snapshots, Quotes and Trades are the messages about the market that were taken, those that came before included.
	Depth     uint64 `json:"depth_messages"`
	Snapshots uint64 `json:"snapshot_messages"`
	Quotes    uint64 `json:"quote_messages"`
	Trades    uint64 `json:"trade_messages"`
	// Findings are those with a count.
	Findings []FeedFinding `json:"findings"`
	// Corrections are of the files of a recording, as far as their local times needed any.
	Corrections []FeedCorrection `json:"corrections"`
	// Lines are the same for people to read.
	Lines []string `json:"-"`
}

// FeedFinding counts one kind of finding and has an example.
type FeedFinding struct {
	// Finding is its name, such as "gap", Count how often it was found.
	Finding string `json:"finding,omitempty"`
	Count   uint64 `json:"count,omitempty"`
	// What describes the first one. LocalNs is the local time, File and Line the place in a recording.
	What    string `json:"what,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	LocalNs int64  `json:"local_ns,omitempty"`
	// More are later examples.
	More []FeedFinding `json:"more,omitempty"`
}

// FeedCorrection corrects the local times of a file of a recording, so that no message is received before it happened.
type FeedCorrection struct {
	File string `json:"file"`
	// MinLatencyNs is the least local time minus exchange time in the file as recorded, at Line. Line is 0 when no message has
	// a time of its own.
	MinLatencyNs int64 `json:"min_latency_ns"`
	Line         int   `json:"line"`
	// OffsetNs is added to local times, 0 when nothing is to be corrected.
	OffsetNs int64 `json:"offset_ns"`
}

package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/hftrunner/hftrunner/backtest"
)

// Names of a backtest block.
const (
	// CompatFixed and CompatHftbacktest are the modes of the engine.
	CompatFixed       = "fixed"
	CompatHftbacktest = "hftbacktest"
	// SplitFile runs each file on its own, SplitNone runs all of them as one.
	SplitFile = "file"
	SplitNone = "none"
	// DataCheckWarn, DataCheckFail and DataCheckOff say what the quality pass does with what it finds.
	DataCheckWarn = "warn"
	DataCheckFail = "fail"
	DataCheckOff  = "off"
	// ModelL3 is the exchange model for data by order.
	ModelL3 = "l3_fifo"
	// FeeByValue is the fee model of a paper connector.
	FeeByValue = "value"
	feeFlat    = "flat"
)

// Backtest is the backtest block of a strategy.
type Backtest struct {
	// Spec is what every run of it has in common, without its assets; the five settings below are in it.
	Spec backtest.Spec `json:"spec"`

	Compat         string        `json:"-" hcl:"compat" default:"fixed" choices:"fixed,hftbacktest" doc:"'fixed': the exchange as it should be; 'hftbacktest': with hftbacktest's quirks, for identical results"`
	From           time.Time     `json:"-" hcl:"from" default:"" doc:"the strategy runs from here, an RFC 3339 time or a date (UTC); the books are kept from the start of the data"`
	To             time.Time     `json:"-" hcl:"to" default:"" doc:"the strategy runs up to here"`
	RecordInterval time.Duration `json:"-" hcl:"record_interval" default:"1s" min:"0s" doc:"time between two samples of position and equity for statistics and charts; '\"0s\"' leaves recording to the strategy"`
	Split          string        `json:"split" hcl:"split" default:"file" choices:"file,none" doc:"'file': the n-th files of the data blocks (for example one day) are a separate run, in parallel with the others; 'none': one run over all files, one after the other. Recordings are one feed either way: a file that begins without a snapshot begins with the book that the files before it have left"`
	DataCheck      string        `json:"data_check" hcl:"data_check" default:"warn" choices:"warn,fail,off" doc:"validation of order, gaps, clock and books before a run: 'warn' reports problems, 'fail' also aborts runs whose results would be wrong, 'off' skips it"`
	AllowUnsorted  bool          `json:"-" hcl:"allow_unsorted" default:"false" doc:"accept rows that are out of order"`
	BookSize       float64       `json:"book_size" hcl:"book_size" default:"0" min:"0" doc:"capital that returns are relative to; 0 reports them as amounts"`
	TradingDays    float64       `json:"trading_days" hcl:"trading_days" default:"252" above:"0" doc:"days a year in annual figures; 252 compares with hftbacktest's statistics, 365 is for markets that never close"`
	SampleInterval time.Duration `json:"sample_interval_ns" hcl:"sample_interval" default:"10s" min:"0s" doc:"samples are thinned to this interval before statistics are taken; '\"0s\"' takes them all"`
	// Data are in the order of the strategy's instruments, one for each.
	Data []Data `json:"data" hcl:"data,block" doc:"The recorded data of one instrument of the strategy and the exchange it trades on. The label is the instrument's symbol, or 'connector/symbol' where two have the same."`
}

// Data is the recorded data of one instrument.
type Data struct {
	Label string `json:"-" hcl:"symbol,label" format:"symbol"`
	// Asset has the files as they are named, recorded ones too; the settings that are not in the JSON form are in it.
	Asset backtest.AssetSpec `json:"asset"`
	Files []string           `json:"-" hcl:"files" format:"paths" doc:"event files ('.npz', '.npy') or recorded messages (plain, '.gz' or '.zip', which are converted once), in order of time; a name with '*' matches files, sorted by name"`
	// Snapshots are none, one, or one for each file when the files are runs of their own.
	Snapshots []string `json:"snapshots,omitempty"`
	// Format, RecordedSymbol, BookTicker and BaseLatency say how recorded files are converted.
	Format            string        `json:"format,omitempty" hcl:"format" default:"" doc:"format of recorded messages; default: the format that the connector replays"`
	RecordedSymbol    string        `json:"recorded_symbol,omitempty" hcl:"recorded_symbol" default:"" doc:"symbol in recorded messages; default: the instrument's. Messages about another symbol are skipped and counted, and a file without any of this one is refused"`
	BookTicker        bool          `json:"book_ticker,omitempty" hcl:"book_ticker" default:"true" doc:"use best bid and ask messages of recorded files too"`
	Snapshot          []string      `json:"-" hcl:"snapshot" default:"[]" format:"paths" doc:"event file of the book at the start, created from the day before by 'runner snapshot'; with 'split = \"file\"' as many as files"`
	FeedLatencyOffset time.Duration `json:"-" hcl:"feed_latency_offset" default:"0s" min:"-1m" max:"1m" doc:"added to the arrival time of every row"`
	BaseLatency       time.Duration `json:"base_latency_ns,omitempty" hcl:"base_latency" default:"0s" min:"0s" max:"1m" doc:"minimum latency of a recording whose local clock was behind the exchange's. A recording without local times, such as a venue's archive, needs it above 0: each message arrives this long after the venue's time"`

	Exchange dataExchange `json:"-" hcl:"exchange,block,later" doc:"How the simulated exchange fills orders; defaults are those of the connector's exchange block."`
	Fee      dataFee      `json:"-" hcl:"fee,block,later" doc:"Fees; a rebate is negative. Maker and taker fee default to the connector's."`
	Kind     dataAsset    `json:"-" hcl:"asset,block" doc:"What the instrument is."`

	block *block
}

// dataExchange is a connector's exchange block with what only a backtest can do.
type dataExchange struct {
	Exchange      `otherwise:"the connector's"`
	LatencyFiles  []string      `hcl:"latency_files" default:"[]" format:"paths" doc:"order latency files ('.npz'); latencies are interpolated between their rows instead of being constant"`
	LatencyOffset time.Duration `hcl:"latency_offset" default:"0s" min:"-1m" max:"1m" doc:"added to each way of 'latency_files'"`
	ConsumeDepth  bool          `hcl:"consume_depth" default:"false" doc:"own orders consume displayed quantities until the feed updates them"`
	SweepFills    bool          `hcl:"sweep_fills" default:"false" doc:"the rest of a trade beyond the displayed quantity at its price fills at the next levels"`
	Modify        *latency      `hcl:"modify_latency,block,later" doc:"The latency of modify requests, where it differs."`
	Cancel        *latency      `hcl:"cancel_latency,block,later" doc:"The latency of cancel requests, where it differs."`
}

// latency is the latency of one kind of request.
type latency struct {
	OrderLatency    time.Duration `hcl:"order_latency" otherwise:"the connector's" min:"0s" max:"1m" doc:"to the exchange"`
	ResponseLatency time.Duration `hcl:"response_latency" otherwise:"the connector's" min:"0s" max:"1m" doc:"from the exchange back"`
	LatencyFiles    []string      `hcl:"latency_files" default:"[]" format:"paths" doc:"order latency files ('.npz')"`
	LatencyOffset   time.Duration `hcl:"latency_offset" default:"0s" min:"-1m" max:"1m" doc:"added to each way of 'latency_files'"`
}

// dataFee is a connector's fee block with the other fee models.
type dataFee struct {
	Model  string `hcl:"model" default:"value" choices:"value,quantity,flat" doc:"what the fees are: a share of the traded 'value', an amount for each unit of 'quantity', or a 'flat' one for each execution"`
	Fee    `otherwise:"the connector's"`
	Buyer  float64 `hcl:"buyer" default:"0" doc:"on top for a buy"`
	Seller float64 `hcl:"seller" default:"0" doc:"on top for a sale"`
}

// dataAsset is an asset block.
type dataAsset struct {
	Type         string  `hcl:"type" default:"linear" choices:"linear,inverse" doc:"'linear': settled in the quote currency; 'inverse': in the base currency"`
	ContractSize float64 `hcl:"contract_size" default:"1" above:"0" doc:"size of one contract"`
}

// SweepParam is one parameter that a sweep varies.
type SweepParam struct {
	Name string `json:"name"`
	// Values are the parameter's JSON values, Texts the same as they were written.
	Values []json.RawMessage `json:"values"`
	Texts  []string          `json:"-"`
}

// EventFile reports whether a file holds events already, so that it need not be converted.
func EventFile(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".npz" || ext == ".npy"
}

func (t *Backtest) decoded(d *decoder, b *block) {
	t.Spec = backtest.Spec{Assets: []backtest.AssetSpec{}, Compat: t.Compat, AllowUnsorted: t.AllowUnsorted,
		RecordIntervalNs: t.RecordInterval.Nanoseconds(), FromNs: nanoseconds(t.From), ToNs: nanoseconds(t.To)}
	if t.Spec.ToNs != 0 && t.Spec.ToNs <= t.Spec.FromNs {
		d.errorf(b.at("to"), "to must be after from", "the period ends before it begins")
	}
}

// nanoseconds is 0 for the zero time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// decoded: what the connector says is added when the connectors are known.
func (x *Data) decoded(_ *decoder, b *block) {
	x.block, x.Snapshots = b, x.Snapshot
	x.Asset = backtest.AssetSpec{Files: x.Files, FeedLatencyOffsetNs: x.FeedLatencyOffset.Nanoseconds(), Type: x.Kind.Type, ContractSize: x.Kind.ContractSize}
}

// inherit fills in what data blocks have from their instruments and connectors, and puts them in the instruments' order.
func (d *decoder) inherit(f *File, st *Strategy) {
	t := st.Backtest
	t.Spec.Risk = f.riskOf(st)
	byInstrument := make([]*Data, len(st.Instruments))
	for i := range t.Data {
		data := &t.Data[i]
		if n, ok := d.instrumentOf(st, data); !ok {
			continue
		} else if byInstrument[n] != nil {
			d.errorf(data.block.labelRngs[0], "remove one of them", "%q already has data on line %d", data.Label, byInstrument[n].block.rng.Start.Line)
		} else {
			byInstrument[n] = data
		}
	}
	ordered := make([]Data, 0, len(st.Instruments))
	for n, data := range byInstrument {
		in := &st.Instruments[n]
		if data == nil {
			if !d.partial {
				d.errorf(st.block.child("backtest").rng, `add data "`+in.Symbol+`" { files = [...] }, one argument a line`,
					"the backtest of strategy %q has no data of %s", st.Name, in.Symbol)
			}
			continue
		}
		d.complete(data, in, f.connector(in.Connector))
		ordered = append(ordered, *data)
	}
	t.Data = ordered
}

// instrumentOf finds the instrument that a data block's label names.
func (d *decoder) instrumentOf(st *Strategy, data *Data) (int, bool) {
	var names []string
	found := -1
	for n := range st.Instruments {
		in := &st.Instruments[n]
		full := in.Connector + "/" + in.Symbol
		if data.Label == full {
			return n, true
		}
		names = append(names, in.Symbol)
		if data.Label != in.Symbol {
			continue
		}
		if found >= 0 {
			d.errorf(data.block.labelRngs[0], fmt.Sprintf("write %q or %q", st.Instruments[found].Connector+"/"+in.Symbol, full),
				"%q is the symbol of two instruments", data.Label)
			return 0, false
		}
		found = n
	}
	if found < 0 {
		d.errorf(data.block.labelRngs[0], suggest(data.Label, names, "instrument block in this strategy"),
			"strategy %q has no instrument %q", st.Name, data.Label)
	}
	return found, found >= 0
}

// complete fills in a data block's instrument, exchange and fee.
func (d *decoder) complete(data *Data, in *Instrument, c *Connector) {
	if c == nil {
		c = &Connector{} // reported elsewhere
	}
	a := &data.Asset
	a.Connector, a.Symbol, a.TickSize, a.LotSize = in.Connector, in.Symbol, in.TickSize, in.LotSize
	a.Depth, a.ROILow, a.ROIHigh, a.LastTrades = in.Depth, in.ROILow, in.ROIHigh, in.LastTrades
	a.Risk, a.Currency = in.Risk.Risk(), in.Currency
	if data.Format == "" && c.Replay != nil {
		data.Format = c.Replay.Format
	}
	d.dataExchange(&a.Exchange, data.block.child("exchange"), &c.Exchange)
	d.dataFee(&a.Fee, data.block.child("fee"), &c.Fee)
}

func (d *decoder) dataExchange(x *backtest.ExchangeSpec, b *block, from *Exchange) {
	given := dataExchange{Exchange: *from}
	d.into(b, &given)
	x.Model, x.Queue, x.QueueN = given.Model, given.Queue, given.QueueN
	x.ConsumeDepth, x.SweepFills = given.ConsumeDepth, given.SweepFills
	x.Latency = d.latency(b, &latency{given.OrderLatency, given.ResponseLatency, given.LatencyFiles, given.LatencyOffset})
	for name, dst := range map[string]**backtest.LatencySpec{"modify_latency": &x.ModifyLatency, "cancel_latency": &x.CancelLatency} {
		if c := b.child(name); c != nil {
			own := latency{OrderLatency: given.OrderLatency, ResponseLatency: given.ResponseLatency}
			d.into(c, &own)
			spec := d.latency(c, &own)
			*dst = &spec
		}
	}
	if n := b.args["queue_n"]; n != nil && !isPowerQueue(x.Queue) {
		d.warnf(n.nameRng, "remove it, or use power_prob, power_prob2 or power_prob3", "queue_n has no effect with queue %q", x.Queue)
	}
	if q := b.args["queue"]; q != nil && x.Model == ModelL3 {
		d.warnf(q.nameRng, "remove it", "queue has no effect with model %q", x.Model)
	}
	if !isPowerQueue(x.Queue) {
		x.QueueN = 0
	}
}

// latency warns of what has no effect in a block with latencies.
func (d *decoder) latency(b *block, l *latency) backtest.LatencySpec {
	if len(l.LatencyFiles) == 0 {
		if o := b.args["latency_offset"]; o != nil {
			d.warnf(o.nameRng, "remove it, or add latency_files", "latency_offset has no effect without latency_files")
		}
		return backtest.LatencySpec{EntryNs: l.OrderLatency.Nanoseconds(), ResponseNs: l.ResponseLatency.Nanoseconds()}
	}
	for _, name := range []string{"order_latency", "response_latency"} {
		if a := b.args[name]; a != nil {
			d.warnf(a.nameRng, "remove it, or remove latency_files", "%s has no effect with latency_files", name)
		}
	}
	return backtest.LatencySpec{Files: l.LatencyFiles, OffsetNs: l.LatencyOffset.Nanoseconds()}
}

func (d *decoder) dataFee(fee *backtest.FeeSpec, b *block, from *Fee) {
	given := dataFee{Fee: *from}
	d.into(b, &given)
	*fee = backtest.FeeSpec{Model: given.Model, Maker: given.Maker, Taker: given.Taker, Buyer: given.Buyer, Seller: given.Seller}
	for _, side := range []struct {
		name string
		fee  float64
	}{{"maker", fee.Maker}, {"taker", fee.Taker}, {"buyer", fee.Buyer}, {"seller", fee.Seller}} {
		a := b.args[side.name]
		switch {
		case fee.Model != FeeByValue && a == nil && (side.name == "maker" || side.name == "taker"):
			d.errorf(b.rng, "add "+side.name+" = ...", "the connector's %s fee is a share of the value, so model %q needs one of its own", side.name, fee.Model)
		case a == nil:
		case fee.Model == feeFlat && (side.name == "buyer" || side.name == "seller"):
			d.warnf(a.nameRng, "remove it", "%s has no effect with model %q", side.name, fee.Model)
		case fee.Model == FeeByValue && outside(side.fee, 0.1):
			d.errorf(a.valueRng, "0.0002 is two hundredths of a percent", "%s is more than a tenth of the value", side.name)
		}
	}
}

func outside(x, limit float64) bool { return x < -limit || x > limit }

// Parts is the number of runs that the data is split into, at least 1.
func (t *Backtest) Parts() int {
	n := 1
	if t.Split == SplitFile {
		for i := range t.Data {
			n = max(n, len(t.Data[i].Asset.Files))
		}
	}
	return n
}

// PartSpec returns the spec of one part. Files are still as they are named in the configuration.
func (t *Backtest) PartSpec(part int) backtest.Spec {
	spec := t.Spec
	spec.Assets = make([]backtest.AssetSpec, len(t.Data))
	for i := range t.Data {
		a := t.Data[i].Asset
		a.Files = slices.Clone(a.Files)
		if t.Split == SplitFile {
			a.Files = a.Files[part : part+1]
		}
		if s := t.Data[i].Snapshots; part < len(s) {
			a.Snapshot = s[part]
		}
		spec.Assets[i] = a
	}
	return spec
}

// FilesBefore returns the files of each data block that are before those of a part, nil when there are none.
func (t *Backtest) FilesBefore(part int) [][]string {
	if t.Split != SplitFile || part == 0 {
		return nil
	}
	before := make([][]string, len(t.Data))
	for i := range t.Data {
		before[i] = t.Data[i].Asset.Files[:part]
	}
	return before
}

// fileRange is where a data block's files are.
func (x *Data) fileRange(name string) hcl.Range { return x.block.at(name) }

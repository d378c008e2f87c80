package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"hftrunner/backtest"
)

// Backtest is the backtest block of a strategy.
type Backtest struct {
	// Spec is what every run of it has in common, without its assets.
	Spec backtest.Spec `json:"spec"`
	// Split is SplitFile or SplitNone, DataCheck one of DataCheckWarn, DataCheckFail and DataCheckOff.
	Split     string `json:"split"`
	DataCheck string `json:"data_check"`
	// BookSize is the capital that returns are a share of, 0 for none.
	BookSize       float64       `json:"book_size"`
	TradingDays    float64       `json:"trading_days"`
	SampleInterval time.Duration `json:"sample_interval_ns"`
	// Data are in the order of the strategy's instruments, one for each.
	Data []Data `json:"data"`
}

// Data is the recorded data of one instrument.
type Data struct {
	// Asset has the files as they are named, recorded ones too.
	Asset backtest.AssetSpec `json:"asset"`
	// Snapshots are none, one, or one for each file when the files are runs of their own.
	Snapshots []string `json:"snapshots,omitempty"`
	// Format, BookTicker and BaseLatency say how recorded files are converted.
	Format      string        `json:"format,omitempty"`
	BookTicker  bool          `json:"book_ticker,omitempty"`
	BaseLatency time.Duration `json:"base_latency_ns,omitempty"`

	label string
	block *block
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

func (d *decoder) backtest(b *block) *Backtest {
	s := d.section(b)
	t := &Backtest{Split: get[string](s, "split"), DataCheck: get[string](s, "data_check"), BookSize: get[float64](s, "book_size"),
		TradingDays: get[float64](s, "trading_days"), SampleInterval: get[time.Duration](s, "sample_interval"), Data: []Data{},
		Spec: backtest.Spec{Assets: []backtest.AssetSpec{}, Compat: get[string](s, "compat"), AllowUnsorted: get[bool](s, "allow_unsorted"),
			RecordIntervalNs: get[time.Duration](s, "record_interval").Nanoseconds(),
			FromNs:           nanoseconds(get[time.Time](s, "from")), ToNs: nanoseconds(get[time.Time](s, "to"))}}
	if t.Spec.ToNs != 0 && t.Spec.ToNs <= t.Spec.FromNs {
		d.errorf(b.at("to"), "give a to after from", "the period ends before it begins")
	}
	for _, c := range b.blocks {
		t.Data = append(t.Data, d.data(c))
	}
	return t
}

// nanoseconds is 0 for the zero time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// data reads a data block; what the connector says is added when the connectors are known.
func (d *decoder) data(b *block) Data {
	s := d.section(b)
	out := Data{label: b.labels[0], block: b, Format: get[string](s, "format"), BookTicker: get[bool](s, "book_ticker"),
		BaseLatency: get[time.Duration](s, "base_latency"), Snapshots: get[[]string](s, "snapshot")}
	a := &out.Asset
	a.Files = get[[]string](s, "files")
	a.FeedLatencyOffsetNs = get[time.Duration](s, "feed_latency_offset").Nanoseconds()
	s = d.section(b.child("asset"))
	a.Type, a.ContractSize = get[string](s, "type"), get[float64](s, "contract_size")
	return out
}

// inherit fills in what data blocks have from their instruments and connectors, and puts them in the instruments' order.
func (d *decoder) inherit(f *File, st *Strategy) {
	t := st.Backtest
	byInstrument := make([]*Data, len(st.Instruments))
	for i := range t.Data {
		data := &t.Data[i]
		if n, ok := d.instrumentOf(st, data); !ok {
			continue
		} else if byInstrument[n] != nil {
			d.errorf(data.block.labelRngs[0], "remove one of them", "%q already has data on line %d", data.label, byInstrument[n].block.rng.Start.Line)
		} else {
			byInstrument[n] = data
		}
	}
	ordered := make([]Data, 0, len(st.Instruments))
	for n, data := range byInstrument {
		in := &st.Instruments[n]
		if data == nil {
			if !d.partial {
				d.errorf(st.backtestRng, `add data "`+in.Symbol+`" { files = [...] }, one argument a line`,
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
		if data.label == full {
			return n, true
		}
		names = append(names, in.Symbol)
		if data.label != in.Symbol {
			continue
		}
		if found >= 0 {
			d.errorf(data.block.labelRngs[0], fmt.Sprintf("write %q or %q", st.Instruments[found].Connector+"/"+in.Symbol, full),
				"%q is the symbol of two instruments", data.label)
			return 0, false
		}
		found = n
	}
	if found < 0 {
		d.errorf(data.block.labelRngs[0], suggest(data.label, names, "instrument block in this strategy"),
			"strategy %q has no instrument %q", st.Name, data.label)
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
	if data.Format == "" && c.Replay != nil {
		data.Format = c.Replay.Format
	}
	d.dataExchange(&a.Exchange, data.block.child("exchange"), &c.Exchange)
	d.dataFee(&a.Fee, data.block.child("fee"), &c.Fee)
}

// set overrides dst with an argument that is in the file.
func set[T any](s section, name string, dst *T) {
	if v, ok := s.values[name].(T); ok {
		*dst = v
	}
}

func (d *decoder) dataExchange(x *backtest.ExchangeSpec, b *block, from *Exchange) {
	s := d.section(b)
	x.Model, x.Queue, x.QueueN = from.Model, from.Queue, from.QueueN
	set(s, "model", &x.Model)
	set(s, "queue", &x.Queue)
	set(s, "queue_n", &x.QueueN)
	x.ConsumeDepth, x.SweepFills = get[bool](s, "consume_depth"), get[bool](s, "sweep_fills")
	constant := constantLatency(s, from.OrderLatency, from.ResponseLatency)
	x.Latency = d.latency(b, s, constant)
	for name, dst := range map[string]**backtest.LatencySpec{"modify_latency": &x.ModifyLatency, "cancel_latency": &x.CancelLatency} {
		if c := b.child(name); c != nil {
			l := d.latency(c, d.section(c), constant)
			*dst = &l
		}
	}
	if n := b.args["queue_n"]; n != nil && !isPowerQueue(x.Queue) {
		d.warnf(n.nameRng, "remove it, or choose power_prob, power_prob2 or power_prob3", "queue_n has no effect with queue %q", x.Queue)
	}
	if q := b.args["queue"]; q != nil && x.Model == ModelL3 {
		d.warnf(q.nameRng, "remove it", "queue has no effect with model %q", x.Model)
	}
	if !isPowerQueue(x.Queue) {
		x.QueueN = 0
	}
}

// constantLatency reads constant latencies; what is left out is as given.
func constantLatency(s section, entry, response time.Duration) backtest.LatencySpec {
	set(s, "order_latency", &entry)
	set(s, "response_latency", &response)
	return backtest.LatencySpec{EntryNs: entry.Nanoseconds(), ResponseNs: response.Nanoseconds()}
}

// latency reads the latency arguments of a block; without files it is as inherited but for what is in the block.
func (d *decoder) latency(b *block, s section, inherited backtest.LatencySpec) backtest.LatencySpec {
	l := backtest.LatencySpec{Files: get[[]string](s, "latency_files"), OffsetNs: get[time.Duration](s, "latency_offset").Nanoseconds()}
	if len(l.Files) == 0 {
		l = constantLatency(s, time.Duration(inherited.EntryNs), time.Duration(inherited.ResponseNs))
		if o := b.args["latency_offset"]; o != nil {
			d.warnf(o.nameRng, "remove it, or give latency_files", "latency_offset has no effect without latency_files")
		}
		return l
	}
	for _, name := range []string{"order_latency", "response_latency"} {
		if a := b.args[name]; a != nil {
			d.warnf(a.nameRng, "remove it, or remove latency_files", "%s has no effect beside latency_files", name)
		}
	}
	return l
}

func (d *decoder) dataFee(fee *backtest.FeeSpec, b *block, from *Fee) {
	s := d.section(b)
	*fee = backtest.FeeSpec{Model: get[string](s, "model"), Maker: from.Maker, Taker: from.Taker,
		Buyer: get[float64](s, "buyer"), Seller: get[float64](s, "seller")}
	set(s, "maker", &fee.Maker)
	set(s, "taker", &fee.Taker)
	for _, name := range []string{"maker", "taker", "buyer", "seller"} {
		a := b.args[name]
		switch {
		case fee.Model != FeeByValue && a == nil && (name == "maker" || name == "taker"):
			d.errorf(b.rng, "add "+name+" = ...", "the connector's %s fee is a share of the value, so model %q needs one of its own", name, fee.Model)
		case a == nil:
		case fee.Model == feeFlat && (name == "buyer" || name == "seller"):
			d.warnf(a.nameRng, "remove it", "%s has no effect with model %q", name, fee.Model)
		case fee.Model == FeeByValue && outside(get[float64](s, name), 0.1):
			d.errorf(a.valueRng, "0.0002 is two hundredths of a percent", "%s is more than a tenth of the value", name)
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

// fileRange is where a data block's files are.
func (x *Data) fileRange(name string) hcl.Range { return x.block.at(name) }

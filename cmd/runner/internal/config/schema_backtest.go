package config

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
	FeeByValue  = "value"
	feeFlat     = "flat"
	assetLinear = "linear"
)

// RecordedFormats are the formats of recorded files, for replays and backtests alike.
func RecordedFormats() []string {
	return []string{FormatBinanceFutures, FormatBinanceSpot, FormatBybit}
}

func backtestSchema() *blockType {
	return &blockType{name: "backtest", single: true,
		doc: "What `runner backtest` runs the strategy on: recorded data in the place of the connectors. `runner run` takes no notice of it.",
		args: []argument{
			{name: "compat", kind: kindString, def: CompatFixed, choices: []string{CompatFixed, CompatHftbacktest},
				doc: "`fixed`: the exchange as it should be; `hftbacktest`: with the reference's quirks, for equal results"},
			{name: "from", kind: kindTime, def: "", doc: "the strategy runs from here, an RFC 3339 time or a date (UTC); the books are kept from the start of the data"},
			{name: "to", kind: kindTime, def: "", doc: "the strategy runs up to here"},
			{name: "record_interval", kind: kindDuration, def: "1s", bounds: atLeast(0),
				doc: "time between two samples of position and equity, of which statistics and charts are made; `\"0s\"` leaves recording to the strategy"},
			{name: "split", kind: kindString, def: SplitFile, choices: []string{SplitFile, SplitNone},
				doc: "`file`: the n-th files of the data blocks (a day, say) are a run of their own, side by side with the others; `none`: one run over all files, one after the other"},
			{name: "data_check", kind: kindString, def: DataCheckWarn, choices: []string{DataCheckWarn, DataCheckFail, DataCheckOff},
				doc: "a look at the data before it is used, at its order, gaps, clock and books: `warn` tells what is found, `fail` also ends a run whose results would be wrong, `off` does not look"},
			{name: "allow_unsorted", kind: kindBool, def: false, doc: "take rows that are out of order as they come"},
			{name: "book_size", kind: kindFloat, def: 0.0, bounds: atLeast(0), doc: "capital that returns are a share of; 0 gives them as amounts"},
			{name: "trading_days", kind: kindFloat, def: 252.0, bounds: above(0),
				doc: "days a year in annual figures; 252 compares with hftbacktest's statistics, 365 is for markets that never close"},
			{name: "sample_interval", kind: kindDuration, def: "10s", bounds: atLeast(0),
				doc: "samples are thinned to this interval before statistics are taken; `\"0s\"` takes them all"},
		},
		blocks: []*blockType{dataSchema()}}
}

func dataSchema() *blockType {
	return &blockType{name: "data", labels: []label{{name: "symbol", pattern: symbol}},
		doc: "The recorded data of one instrument of the strategy and the exchange it trades on. The label is the instrument's symbol, or `connector/symbol` where two have the same.",
		args: []argument{
			{name: "files", kind: kindPaths, required: true,
				doc: "event files (`.npz`, `.npy`) or recorded messages (plain, `.gz` or `.zip`, which are converted once), in the order of time; a name with `*` stands for all files like it, sorted by name"},
			{name: "format", kind: kindString, def: "", choices: RecordedFormats(),
				doc: "what recorded messages are; if left out, the format that the connector replays"},
			{name: "book_ticker", kind: kindBool, def: true, doc: "take best bid and ask messages of recorded files too"},
			{name: "snapshot", kind: kindPaths, def: []any{},
				doc: "event file of the book at the start, as `runner snapshot` makes it of the day before; with `split = \"file\"` as many as files"},
			{name: "feed_latency_offset", kind: kindDuration, def: "0s", bounds: within(-60, 60), doc: "added to the time of arrival of every row"},
			{name: "base_latency", kind: kindDuration, def: "0s", bounds: within(0, 60),
				doc: "least latency that a recording gets whose local clock was behind the exchange's; one without local times, as venues' archives are, needs it above 0: each message comes so much after the venue's time"},
		},
		blocks: []*blockType{dataExchangeSchema(), dataFeeSchema(),
			{name: "asset", single: true, implied: true, doc: "What the instrument is.", args: []argument{
				{name: "type", kind: kindString, def: assetLinear, choices: []string{assetLinear, "inverse"},
					doc: "`linear`: settled in the quote currency; `inverse`: in the base currency"},
				{name: "contract_size", kind: kindFloat, def: 1.0, bounds: above(0), doc: "size of one contract"},
			}}}}
}

// dataExchangeSchema is a connector's exchange block with what only a backtest can do.
func dataExchangeSchema() *blockType {
	t := exchangeSchema()
	t.doc = "How the simulated exchange fills orders; what is left out is as in the connector's exchange block."
	for i := range t.args {
		a := &t.args[i]
		a.def, a.otherwise = nil, "the connector's"
		if a.name == "model" {
			a.choices = append(a.choices, ModelL3)
			a.doc += "; `" + ModelL3 + "`: data by order, first in first out"
		}
	}
	t.args = append(t.args,
		argument{name: "latency_files", kind: kindPaths, def: []any{},
			doc: "order latency files (`.npz`); latencies are interpolated between their rows instead of being constant"},
		argument{name: "latency_offset", kind: kindDuration, def: "0s", bounds: within(-60, 60), doc: "added to each way of `latency_files`"},
		argument{name: "consume_depth", kind: kindBool, def: false, doc: "own orders use up displayed quantities until the feed shows them anew"},
		argument{name: "sweep_fills", kind: kindBool, def: false,
			doc: "what a trade has left after its price's displayed quantity trades on at the next levels"})
	for _, request := range []string{"modify", "cancel"} {
		t.blocks = append(t.blocks, &blockType{name: request + "_latency", single: true,
			doc: "The latency of " + request + " requests, where it differs.",
			args: []argument{
				{name: "order_latency", kind: kindDuration, bounds: within(0, 60), otherwise: "the connector's", doc: "to the exchange"},
				{name: "response_latency", kind: kindDuration, bounds: within(0, 60), otherwise: "the connector's", doc: "from the exchange back"},
				{name: "latency_files", kind: kindPaths, def: []any{}, doc: "order latency files (`.npz`)"},
				{name: "latency_offset", kind: kindDuration, def: "0s", bounds: within(-60, 60), doc: "added to each way of `latency_files`"},
			}})
	}
	return t
}

// dataFeeSchema is a connector's fee block with the other fee models.
func dataFeeSchema() *blockType {
	t := feeSchema()
	t.doc = "Fees; a rebate is negative. Maker and taker fee are as in the connector's fee block if left out."
	for i := range t.args {
		t.args[i].def, t.args[i].otherwise, t.args[i].bounds = nil, "the connector's", bounds{}
	}
	t.args = append([]argument{{name: "model", kind: kindString, def: FeeByValue, choices: []string{FeeByValue, "quantity", feeFlat},
		doc: "what the fees are: a share of the traded `value`, an amount for each unit of `quantity`, or a `flat` one for each execution"}}, t.args...)
	t.args = append(t.args,
		argument{name: "buyer", kind: kindFloat, def: 0.0, doc: "on top for a buy"},
		argument{name: "seller", kind: kindFloat, def: 0.0, doc: "on top for a sale"})
	return t
}

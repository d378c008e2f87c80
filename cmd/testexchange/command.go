package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// flags are the command line.
type flags struct {
	venue, listen     string
	symbols, accounts []string
	recordings        []string
	faults            []string
	seed              uint64
	rate              float64
	listFaults        bool
	config            testexchange.Config
}

func newCommand(out io.Writer) *cobra.Command {
	f := new(flags)
	c := &cobra.Command{Use: "testexchange",
		Short: "An exchange on this machine that speaks the protocols of the real ones", Args: cobra.NoArgs,
		Long: "An exchange on this machine that speaks the protocols of the real ones.\n" +
			"Each venue listens on a port of its own, from --listen on. Faults can also be armed while it runs:\n" +
			"  curl -d 'ack-lost=count:1' http://127.0.0.1:9001/admin/fault\n  curl http://127.0.0.1:9001/admin/state\n" +
			"and the venue can liquidate a position, settle funding, and so on:\n" +
			`  curl -d '{"kind":"liquidation","account":"test-key","symbol":"BTCUSDT"}' http://127.0.0.1:9001/admin/account`,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, out) }}
	s := c.Flags()
	s.StringVar(&f.venue, "venue", "all", "venue to be: all, or a list of "+venueNames())
	s.StringVar(&f.listen, "listen", "127.0.0.1:9001", "address of the first venue")
	s.StringSliceVar(&f.symbols, "symbols", nil, "symbols to trade, of those the venue has (all)")
	s.Uint64Var(&f.seed, "seed", 1, "seed of the market and the faults")
	s.Float64Var(&f.rate, "rate", 0, "events a second of the synthetic market for each symbol")
	s.StringSliceVar(&f.recordings, "recording", nil,
		"collector file that drives the market, SYMBOL=FILE; several are read in order")
	s.StringSliceVar(&f.accounts, "account", nil,
		"account as KEY:SECRET ("+testexchange.DefaultAPIKey+":"+testexchange.DefaultSecret+")")
	s.StringArrayVar(&f.faults, "fault", nil,
		"fault to arm: NAME, NAME=PROBABILITY or NAME=count:1,after:10,for:50ms,value:2,only:TEXT")
	s.BoolVar(&f.listFaults, "list-faults", false, "print the faults and end")
	s.BoolVar(&f.config.Compress, "compress", false, "negotiate permessage-deflate")
	s.BoolVar(&f.config.LargeIDs, "large-ids", false, "ids above 2^53")
	s.BoolVar(&f.config.Unrouted, "unrouted", false, "serve all streams of binancefutures on /ws and /stream, too")
	s.DurationVar(&f.config.MaxAge, "max-age", 0, "close connections of that age (24h)")
	return c
}

func venueNames() string {
	var names []string
	for _, v := range testexchange.Venues() {
		names = append(names, string(v))
	}
	return strings.Join(names, ", ")
}

func (f *flags) run(c *cobra.Command, out io.Writer) error {
	if f.listFaults {
		return printFaults(out)
	}
	if err := f.read(); err != nil {
		return err
	}
	f.config.FirstID = time.Now().UnixMilli()
	e, err := testexchange.Start(f.config)
	if err != nil {
		return err
	}
	venues := f.config.Venues
	if len(venues) == 0 {
		venues = testexchange.Venues()
	}
	for _, v := range venues {
		fmt.Fprintf(out, "%s\n  REST       %s\n  WebSocket  %s\n  state      %s/admin/state\n\n%s\n", v, e.HTTPURL(v),
			e.WSURL(v), e.HTTPURL(v), e.ConnectorBlock(v))
	}
	<-c.Context().Done()
	fmt.Fprintln(out, "closing")
	return e.Close()
}

// read turns the command line into a configuration.
func (f *flags) read() error {
	c := &f.config
	c.Seed, c.EventsPerSecond = f.seed, f.rate
	if f.venue != "all" {
		for name := range strings.SplitSeq(f.venue, ",") {
			c.Venues = append(c.Venues, testexchange.Venue(name))
		}
	}
	if err := f.readListen(); err != nil {
		return err
	}
	for _, text := range f.faults {
		one, err := fault.Parse(text)
		if err != nil {
			return fmt.Errorf("--fault: %w", err)
		}
		c.Faults = append(c.Faults, one)
	}
	for _, text := range f.accounts {
		key, secret, ok := strings.Cut(text, ":")
		if !ok || key == "" || secret == "" {
			return fmt.Errorf("--account %q: must be KEY:SECRET", text)
		}
		c.Accounts = append(c.Accounts, testexchange.Account{APIKey: key, Secret: secret})
	}
	c.OnlySymbols = f.symbols
	return f.readRecordings()
}

// readListen reads where the exchange listens.
func (f *flags) readListen() error {
	c := &f.config
	host, port, err := net.SplitHostPort(f.listen)
	if err == nil {
		c.Host = host
		c.FirstPort, err = strconv.Atoi(port)
	}
	if err != nil {
		return fmt.Errorf("--listen %q: %w; must be host:port", f.listen, err)
	}
	return nil
}

// readRecordings reads which files are played.
func (f *flags) readRecordings() error {
	c := &f.config
	for _, text := range f.recordings {
		symbol, file, ok := strings.Cut(text, "=")
		if !ok || symbol == "" || file == "" {
			return fmt.Errorf("--recording %q: must be SYMBOL=FILE", text)
		}
		if c.Recordings == nil {
			c.Recordings, c.Background, c.Decoders = map[string][]string{}, testexchange.Recorded, decoders()
		}
		c.Recordings[symbol] = append(c.Recordings[symbol], file)
	}
	return nil
}

// decoders read the recordings of each venue.
func decoders() map[testexchange.Venue]func() connector.Decoder {
	return map[testexchange.Venue]func() connector.Decoder{
		testexchange.BinanceFutures: binance.Futures().Format.NewDecoder,
		testexchange.BinanceSpot:    binance.Spot().Format.NewDecoder,
		testexchange.Bybit:          bybit.Kind().Format.NewDecoder,
	}
}

func printFaults(out io.Writer) error {
	names := fault.Names()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if _, err := fmt.Fprintf(out, "%-22s %s\n", name, names[name]); err != nil {
			return err
		}
	}
	return nil
}

package journal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// TestKilledAtEveryByteOfAnAppend: the process ends after each byte that an append stores into the ring. What the next start has
// is what was appended before, and the record only when it is whole.
func TestKilledAtEveryByteOfAnAppend(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	cfg := testConfig(t, base)
	cfg.syncEvery = time.Hour
	w, _ := open(t, cfg)
	fillJournal(t, w, 1, 5)
	before := bytes.Clone(w.ring.mem)
	from := w.head.Load() + ringDataAt
	fillJournal(t, w, 6, 6)
	after := bytes.Clone(w.ring.mem)
	to := w.head.Load() + ringDataAt
	w.kill()
	work := t.TempDir()
	for at := from; at <= to+1; at++ {
		image := bytes.Clone(before)
		copy(image[from:min(at, to)], after[from:])
		want := uint64(5)
		if at > to { // the head is one word
			image, want = after, 6
		}
		dir := filepath.Join(work, fmt.Sprint(at))
		ringPath := filepath.Join(work, ringName)
		mustWrite(t, ringPath, image)
		var rec Record
		n := uint64(0)
		rest, _, found := ringRest([]string{ringPath}, w.id, 0)
		for ; len(rest) > 0; n++ {
			size, o := w.table.parse(rest, &rec)
			if o != valid || rec.Sequence != n+1 {
				t.Fatalf("after %d bytes: record %d", at-from, rec.Sequence)
			}
			rest = rest[size:]
		}
		if !found || n != want {
			t.Fatalf("after %d bytes: %d records, want %d", at-from, n, want)
		}
		if at%13 != 0 && at < to && !long() {
			continue
		}
		copyFolder(t, base, dir)
		mustWrite(t, filepath.Join(dir, ringName), image)
		got, damage := readAll(t, dir, ReadFrom{})
		consecutive(t, got, 1, want)
		again, recovery := open(t, testConfig(t, dir))
		if rec := recovery; rec.State.Sequence != want || rec.FromRing != want || !rec.Unclean || len(rec.Damage)+len(damage) > 0 {
			t.Fatalf("after %d bytes: %+v", at-from, rec)
		}
		fillJournal(t, again, int(want)+1, int(want)+1)
		again.kill()
		got, damage = readAll(t, dir, ReadFrom{})
		consecutive(t, got, 1, want+1)
		if len(damage) > 0 {
			t.Fatal(damage)
		}
	}
}

// TestKilledAtEveryByteOfAWrite: the machine goes down after each byte of a write to a segment, and the ring with it.
func TestKilledAtEveryByteOfAWrite(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	w, _ := open(t, testConfig(t, base))
	if err := Append(w, &Head{Kind: KindRunBegun}, &Run{}); err != nil {
		t.Fatal(err)
	}
	fillJournal(t, w, 1, 3)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	size := w.disk.at
	fillJournal(t, w, 4, 4)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	w.kill()
	if err := os.Remove(filepath.Join(base, ringName)); err != nil {
		t.Fatal(err)
	}
	whole := mustRead(t, segmentsOf(t, base)[0].path)
	for end := size; end <= int64(len(whole)); end++ {
		if end%11 != 0 && end > size+1 && end < int64(len(whole))-8 && !long() {
			continue
		}
		for _, zeros := range []int{0, 4096} { // a file system may have made the file longer already
			want, torn := uint64(4), end > size
			dir := filepath.Join(t.TempDir(), "journal")
			copyFolder(t, base, dir)
			path := segmentsOf(t, dir)[0].path
			image := append(bytes.Clone(whole[:end]), make([]byte, zeros)...)
			if bytes.HasPrefix(image, whole) {
				want, torn = 5, false
			} else if strings.Trim(string(image[size:]), "\x00") == "" {
				torn = false
			}
			mustWrite(t, path, image)
			got, damage := readAll(t, dir, ReadFrom{})
			consecutive(t, got, 1, want)
			w, rec := open(t, testConfig(t, dir))
			if rec.State.Sequence != want || !rec.RingGone || len(rec.Torn) > 0 != torn || len(rec.Damage)+len(damage) > 0 {
				t.Fatalf("cut at %d of %d, %d zeros: %+v %v", end, len(whole), zeros, rec, damage)
			}
			if torn && !bytes.HasPrefix(mustRead(t, rec.Torn[0]), whole[size:end]) {
				t.Fatal("the torn tail is not what was there")
			}
			w.kill()
			if rep := verified(t, dir); len(rep.Damage) > 0 || rep.TornBytes > 0 || rep.Records != want {
				t.Fatalf("%+v", rep)
			}
		}
	}
}

// TestDamageInTheMiddle changes each byte of a record in the middle, of the newest segment and of an older one.
func TestDamageInTheMiddle(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	var starts []int64
	for range 2 {
		w, rec := open(t, testConfig(t, base))
		for i := range 5 {
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
			starts = append(starts, w.disk.at)
			fillJournal(t, w, int(rec.State.Sequence)+i+1, int(rec.State.Sequence)+i+1)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for seg := range 2 {
		for at := starts[5*seg+2]; at < starts[5*seg+3]; at++ {
			if at%11 != 0 && at > starts[5*seg+2]+headerBytes && !long() {
				continue
			}
			dir := filepath.Join(t.TempDir(), "journal")
			copyFolder(t, base, dir)
			path := segmentsOf(t, dir)[seg].path
			image := mustRead(t, path)
			image[at] ^= 0x55
			mustWrite(t, path, image)
			lost := uint64(5*seg + 3)
			got, damage := readAll(t, dir, ReadFrom{})
			if len(got) != 9 || got[lost-1] != lost+1 || len(damage) != 1 || damage[0].From != lost || damage[0].To != lost || damage[0].Offset != starts[5*seg+2] {
				t.Fatalf("segment %d, byte %d: %v, %v", seg, at, got, damage)
			}
			state, damage, err := Load(dir)
			if err != nil || state.Sequence != 10 || state.Missing != uint64(seg) || len(damage) != seg {
				t.Fatalf("segment %d: state %+v, %v, %v", seg, state, damage, err)
			}
			_, rec := open(t, testConfig(t, dir))
			if len(rec.Damage) != seg || len(rec.Torn) > 0 || rec.State.Sequence != 10 {
				t.Fatalf("segment %d: %+v", seg, rec)
			}
		}
	}
	// A checkpoint that cannot be read: the one before is taken.
	path := segmentsOf(t, base)[1].path
	image := mustRead(t, path)
	image[segmentHeaderBytes+headerBytes+10] ^= 1
	mustWrite(t, path, image)
	state, damage, err := Load(base)
	if err != nil || state.Sequence != 10 || state.Missing != 0 || len(damage) == 0 {
		t.Errorf("%+v %v %v", state, damage, err)
	}
}

const childVariable = "HFTRUNNER_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := appendUntilKilled(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// appendUntilKilled appends and prints what was appended.
func appendUntilKilled(dir string) error {
	now := time.Now()
	w, rec, err := Open(Config{Dir: dir, NowNs: func() int64 { return int64(time.Since(now)) }, RingBytes: 256 << 10, SegmentBytes: 64 << 10})
	if err != nil {
		return err
	}
	for i := rec.State.Sequence + 1; ; i++ {
		for w.Err() != nil {
			_ = w.Sync()
		}
		if err := w.execute(int(i)); err != nil {
			return err
		}
		if i%50 == 0 {
			fmt.Println(i)
		}
	}
}

// TestProcessKilled kills processes that append, in real shared memory: what was appended before is there.
func TestProcessKilled(t *testing.T) {
	kills := 6
	if long() {
		kills = 300
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	var last uint64
	for n, begun := 0, time.Now(); n < kills || last == 0 && time.Since(begun) < time.Minute; n++ {
		var out bytes.Buffer
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+dir)
		child.Stdout = &out
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+random.IntN(150)*(1+n/kills)) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
		lines := strings.Fields(out.String())
		if len(lines) > 0 {
			told, err := strconv.ParseUint(lines[len(lines)-1], 10, 64)
			if err != nil {
				t.Fatal(out.String())
			}
			last = max(last, told)
		}
		state, damage, err := Load(dir)
		if err == nil && (state.Sequence < last || len(damage) > 0) {
			t.Fatalf("%d of %d records: %v", state.Sequence, last, damage)
		} else if err != nil && last > 0 {
			t.Fatal(err)
		}
	}
	now := func() int64 { return 1 }
	w, rec, err := Open(Config{Dir: dir, NowNs: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if rep := verified(t, dir); rec.State.Sequence < last || rep.Records != rec.State.Sequence || len(rep.Damage) > 0 || last == 0 {
		t.Errorf("%d of %d records, %+v", rec.State.Sequence, last, rep)
	}
}

// FuzzReader reads segments in which anything may stand.
func FuzzReader(f *testing.F) {
	base := filepath.Join(f.TempDir(), "base")
	w, _ := open(f, testConfig(f, base))
	if _, err := w.Instrument("venue", "BTCUSDT", 0.1, 0.001); err != nil {
		f.Fatal(err)
	}
	fillJournal(f, w, 1, 3)
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	image := mustRead(f, segmentsOf(f, base)[0].path)
	for _, at := range []int{70, 112, 300, len(image) - 100} {
		f.Add(uint16(at), []byte{1}, false)
		f.Add(uint16(at), []byte{0xff, 0xff, 0xff, 0xff}, true)
	}
	f.Add(uint16(68), []byte{0xff, 0xff, 0xff, 0x3f}, true)
	f.Fuzz(func(t *testing.T, at uint16, with []byte, seal bool) {
		dir := t.TempDir()
		damaged := bytes.Clone(image)
		copy(damaged[int(at)%len(damaged):], with)
		id := *segmentHeaderAt(image)
		if seal { // as a writer that has gone mad would: the checksums are right
			p := newParser(id.journal)
			for b := damaged[segmentHeaderBytes:]; len(b) >= headerBytes; {
				n := padded(int(headerAt(b).length))
				if n < headerBytes || n > len(b) {
					break
				}
				headerAt(b).checksum = checksumOf(p.seed, p.table, b[:n])
				b = b[n:]
			}
		}
		mustWrite(t, segmentPath(dir, 1), damaged)
		r, err := OpenReader(dir, ReadFrom{})
		if err != nil {
			return
		}
		var last uint64
		for {
			rec, err := r.Next(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if rec.Sequence <= last {
				t.Fatalf("record %d after %d", rec.Sequence, last)
			}
			last = rec.Sequence
		}
		_ = r.Close()
		_, _, _ = Load(dir)
		_, _ = Verify(context.Background(), dir)
		if w, _, err := Open(testConfig(t, dir)); err == nil {
			w.kill()
		}
	})
}

// TestAnyOrderBetweenGoroutines: the records of each lock stay in their order, all else is mixed at random, and the State is the
// same.
func TestAnyOrderBetweenGoroutines(t *testing.T) {
	var want string
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		streams := stateStreams()
		s, n := NewState(), uint64(0)
		for len(streams) > 0 {
			i := random.IntN(len(streams))
			if len(streams[i]) == 0 {
				streams = append(streams[:i], streams[i+1:]...)
				continue
			}
			rec := streams[i][0]
			streams[i] = streams[i][1:]
			n++
			rec.Sequence = n
			s.Apply(&rec)
		}
		got, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = got
			a := s.Strategies[7].Holdings[1]
			if len(a.Orders) != 6 || len(a.Sent) != 6 || len(a.Orders[3].Origin) == 0 || a.Orders[3].Executed != 1 || a.State.Funding != 0.5 ||
				s.Strategies[7].Incarnation != 3 || s.Strategies[7].EndedIncarnation != 2 || s.Strategies[7].Refused != 6 || s.Strategies[7].ClientNumber != 201 {
				t.Fatal(got)
			}
		}
		if got != want {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
		}
		back, err := decodeState([]byte(got))
		if err != nil || mustEncode(back) != got {
			t.Fatal("a checkpoint is not the State", err)
		}
	}
}

func recordOf[B Body](h Head, b B, texts ...string) Record {
	n := sizeOf(len(bytesOf(&b)), texts)
	raw := make([]byte, padded(n))
	p := newParser(1)
	p.put(raw, n, 1, &h, bytesOf(&b), texts)
	var r Record
	if _, o := p.parse(raw, &r); o != valid {
		panic("no record")
	}
	return r
}

// stateStreams are the records of the locks of two holdings, of what two connectors have sent, and of a supervisor.
// Each holding sends orders, some of which close immediately.
func stateStreams() (streams [][]Record) {
	for inst := uint32(1); inst <= 2; inst++ {
		var held, sent []Record
		h := Head{Bot: 7, Incarnation: 2, Instrument: inst, TimeNs: int64(inst) * 1000}
		of := func(k Kind) Head {
			h.Kind = k
			h.TimeNs++
			return h
		}
		for id := uint64(1); id <= 20; id++ {
			origin, second := fmt.Sprintf("o%d-%d", inst, id), fmt.Sprintf("o%d-%d-b", inst, id)
			o := hft.NewOrder(id, 100, 0.1, 2, hft.Buy, hft.Limit, hft.GTC)
			o.Req, o.LocalTimestampNs = hft.StatusNew, h.TimeNs
			held = append(held, recordOf(of(KindRequest), Request{Order: o}))
			sent = append(sent, recordOf(of(KindSent), Sent{Order: o, Number: 10 * id}, origin, origin, ""),
				recordOf(of(KindSent), Sent{Order: o, Number: 10*id + 1}, origin, origin, second),
				recordOf(of(KindAnswered), Answer{Order: o, Outcome: Accepted}, origin, origin, "v"))
			o.Req, o.Status, o.LeavesQty, o.ExecQty = hft.StatusNone, hft.StatusPartiallyFilled, 1, 1
			e := Execution{Order: o, Value: 10}
			e.Holding.State.Position, e.Holding.NumFills = float64(id), id
			held = append(held, recordOf(of(KindExecution), e, origin, origin, "v", "t", "USDT"))
			if id%3 != 0 {
				o.Status = hft.StatusCanceled
				held = append(held, recordOf(of(KindOrder), OrderState{Order: o, Holding: e.Holding}, origin, second, "v"))
			}
		}
		paid := Funding{Amount: 0.5}
		paid.Holding.State.Funding = 0.5
		held = append(held, recordOf(of(KindFunding), paid, "USDT", "f"))
		streams = append(streams, held, sent, []Record{recordOf(of(KindRefused), Refusal{Count: 3}, "rule", "why")})
	}
	p := Head{Bot: 7, TimeNs: 5}
	var supervisor []Record
	for i := uint32(1); i <= 3; i++ {
		p.Incarnation, p.Kind = i, KindStarted
		supervisor = append(supervisor, recordOf(p, Process{PID: int64(i)}, "grid", "quoter", "v1"))
		if i < 3 {
			p.Kind = KindFailed
			supervisor = append(supervisor, recordOf(p, Process{PID: int64(i)}, "grid", "why"))
		}
	}
	return append(streams, supervisor)
}

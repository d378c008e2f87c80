package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A part has the n-th file and snapshot of each instrument; without a split the one part has all.
func TestParts(t *testing.T) {
	f, err := Load(filepath.Join("testdata", "backtest.hcl"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	two := f.Strategies[0].Backtest
	if two.Parts() != 2 {
		t.Fatalf("%d parts", two.Parts())
	}
	if before := two.FilesBefore(1); two.FilesBefore(0) != nil || len(before) != 2 ||
		!slices.Equal(before[1], two.Data[1].Asset.Files[:1]) {
		t.Errorf("before the second part are %v", before)
	}
	second := two.PartSpec(1)
	btc, eth := second.Assets[0], second.Assets[1]
	if got := strings.Join([]string{btc.Symbol, strings.Join(btc.Files, ","), eth.Symbol, strings.Join(eth.Files, ","), eth.Snapshot}, " "); got !=
		"BTCUSDT btc2.npy ETHUSDT eth2.gz eth2.npz" || second.Compat != CompatHftbacktest {
		t.Errorf("part 2: %s", got)
	}
	second.Assets[0].Files[0] = "changed"
	if two.Data[0].Asset.Files[1] != "btc2.npy" {
		t.Error("a part shares its files with the configuration")
	}
	two.Split, two.Data[1].Snapshots = SplitNone, nil
	if all := two.PartSpec(0); two.FilesBefore(1) != nil || two.Parts() != 1 ||
		len(all.Assets[0].Files) != 2 || all.Assets[0].Snapshot != "" {
		t.Errorf("%d parts, %+v", two.Parts(), all)
	}
}

// Package depth holds the order books: four of hftbacktest, spelled as there, and WindowMarketDepth, the default of
// live bots.
//
// Each kind has a constructor, NewHashMapMarketDepth say, which takes tick and lot size and, as an option, the Mode;
// New makes one by its name. All but NewFusedMarketDepth return a Book, an interface.
//
//   - HashMapMarketDepth: a map per side; the reference all others are held against.
//   - BTreeMarketDepth: an ordered map per side; it leaves a crossed feed crossed.
//   - ROIVectorMarketDepth: one array per side over a fixed price range; prices outside are ignored.
//   - FusedMarketDepth: merges a venue's depth stream with its faster quote stream into one consistent stream.
//   - WindowMarketDepth: the results of HashMapMarketDepth at a fraction of its time, from a flat window of quantities
//     around the best price that follows the market.
//
// Behaviour is that of hftbacktest 0.9.4. Where it has a defect, Mode chooses between the same defect (Compat) and
// the repair (Fixed); each place says which. Two of its traits are kept in both modes, because strategies and queue
// models were tuned on them: levels that the other side has crossed stay in the book and are reported by quantity at
// a tick until the feed rewrites them, and a clear up to a price does not look at the level right behind that price
// when it searches the new best.
//
// # Memory and goroutines
//
// A book owns all of its memory and keeps nothing it is given. It has no lock and starts no goroutine: one goroutine
// uses it, readers included. Snapshot, Levels and Update append to slices of the caller, who owns the result. A window
// book takes about 270 KiB, a fused one 530 KiB, a ROI vector 16 bytes a tick; the others grow with their levels.
//
// # Full, closed, broken input
//
// Nothing can be full: levels far from the market spill to side tables that grow. There is nothing to close. No input
// panics: a price whose tick is beyond ±2^53 is ignored in both modes, and in mode Fixed so is every price that is not
// finite and every quantity that is negative or not finite.
package depth

connector "paper" "sim" {
}
strategy "a" {
  plugin = "gridtradng"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
strategy "b" {
  plugin = "broken"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
strategy "c" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    nested {
    }
  }
}
strategy "d" {
  plugin = "obimm"
  sha256 = "ababababababababababababababababababababababababababababababababcd"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
strategy "e" {
  plugin = "obimm"
  sha256 = "cdababababababababababababababababababababababababababababababab"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}

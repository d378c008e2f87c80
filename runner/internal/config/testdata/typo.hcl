runer {
}
runner {
  plugindir = "x"
}
connector "paper" "sim" {
  sythetic {
    seed = 1
  }
  exchange {
    modle = "partial_fill"
  }
  fee = 0.1
}
conector "paper" "x" {}
strategy "a" {
  plugin = "gridtrading"
  instrument "sin" "BTCUSDT" {
    tick_sise = 0.1
    tick_size = 0.1
    lot_size  = 0.001
    depth     = "hash_map"
  }
  params {
    order_qty            = 1
    relative_half_spraed = 0.1
  }
  zzz = 1
}

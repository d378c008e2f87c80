connector "paper" "sim" {
  synthetic { seed = 1, events_per_second = 5 }
  speeed = 1
}
strategy "a" {
  plugin = "gridtrading
}

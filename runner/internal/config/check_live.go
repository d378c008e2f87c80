package config

// live: what can be said of connectors to venues without asking them.
func (c *checker) live() {
	type account struct{ kind, network, apiURL, key, prefix string }
	first := map[account]*Connector{}
	for i := range c.file.Connectors {
		con := &c.file.Connectors[i]
		l := con.Live
		if l == nil || con.keyWrong {
			continue
		}
		if c.options.Live != nil {
			if err := c.options.Live(con); err != nil {
				c.errorf(con.rng, "", "connector %q cannot be used: %v", con.Name, err)
			}
		}
		if !l.Account {
			continue
		}
		if !l.HasKey() {
			c.keyless(con)
			continue
		}
		a := account{con.Kind, l.Network, l.APIURL, l.APIKey, l.OrderPrefix}
		if other := first[a]; other != nil {
			c.errorf(con.rng, "set a different order_prefix for each, or merge the two connectors",
				"connectors %q and %q have the same key and the same order_prefix, so each would treat the other's orders as its own", other.Name, con.Name)
			continue
		}
		first[a] = con
	}
}

// keyless: strategies on a connector without a key cannot trade.
func (c *checker) keyless(con *Connector) {
	for si := range c.file.Strategies {
		st := &c.file.Strategies[si]
		for ii := range st.Instruments {
			if in := &st.Instruments[ii]; in.Connector == con.Name && !c.options.Backtest {
				c.warnf(in.block.labelRngs[0], "set api_key and secret unless the strategy only watches",
					"connector %q has no key: every order of strategy %q will be rejected", con.Name, st.Name)
			}
		}
	}
}

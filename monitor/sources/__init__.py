"""Where answers come from: nodes over JSON-RPC, venues over HTTP. Nothing read here is trusted before it is checked."""

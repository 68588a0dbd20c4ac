"""JSON-RPC over HTTP, WebSocket and IPC: messages, transports, and what each provider's error means."""

package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// register makes the parts' own counters visible. The parts count in plain
// numbers and are asked when somebody scrapes; nothing is labelled with a
// person or a session.
func (n *node) register(registry *prometheus.Registry) {
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		partsCollector{n},
	)
}

type partsCollector struct{ n *node }

// Describe sends nothing: what is collected depends on what there is to count.
func (partsCollector) Describe(chan<- *prometheus.Desc) {}

func (c partsCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("viop_"+name, help, nil, nil), prometheus.GaugeValue, v)
	}
	count := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("viop_"+name, help, nil, nil), prometheus.CounterValue, v)
	}
	byLabel := func(name, help, label, value string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("viop_"+name, help, []string{label}, nil), prometheus.CounterValue, v, value)
	}

	media := c.n.media.Stats()
	gauge("rooms", "Rooms with media on this node.", float64(media.Rooms))
	gauge("peers", "PeerConnections on this node.", float64(media.Peers))
	count("rtp_packets_in_total", "RTP packets opened.", float64(media.PacketsIn))
	count("rtp_packets_out_total", "RTP packets forwarded, repairs not counted.", float64(media.PacketsOut))
	count("rtp_bytes_out_total", "Payload of forwarded packets.", float64(media.BytesOut))
	count("rtp_resent_total", "Repairs sent to receivers.", float64(media.Resent))
	count("rtp_duplicates_total", "Probes and repeats that were not forwarded.", float64(media.Duplicates))
	count("audio_restored_total", "Lost packets of sound made good out of the redundancy of others.", float64(media.Restored))
	for path, n := range media.Ways {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("viop_media_transports", "Connected transports, by the way of their media.", []string{"path"}, nil),
			prometheus.GaugeValue, float64(n), string(path))
	}
	count("plane_packets_in_total", "RTP packets opened past Pion.", float64(media.Plane.In))
	count("plane_packets_out_total", "RTP packets sealed past Pion, repairs too.", float64(media.Plane.Out))
	count("plane_rtcp_in_total", "RTCP compounds opened past Pion.", float64(media.Plane.RTCPIn))
	count("plane_rtcp_out_total", "RTCP compounds sealed past Pion.", float64(media.Plane.RTCPOut))
	count("plane_messages_total", "UDP messages all that was sealed was sent in; with segmentation (GSO) one holds several.", float64(media.Plane.Messages))
	count("plane_calls_total", "System calls they were sent with.", float64(media.Plane.Calls))
	for what, n := range map[string]uint64{
		"replayed": media.Plane.Replayed, "forged": media.Plane.Forged, "refused": media.Plane.Refused, "unsent": media.Plane.Unsent,
	} {
		byLabel("plane_dropped_total", "RTP and RTCP packets not taken (replayed, forged), not sealed a second time (refused), or not sent.", "why", what, float64(n))
	}
	count("keyframe_requests_total", "Keyframes asked of publishers.", float64(media.KeyframeRequests))

	signals := c.n.signals.Stats()
	gauge("websockets", "Open WebSockets.", float64(signals.Open))
	gauge("seats", "Seats, with or without a WebSocket.", float64(signals.Links))
	count("joins_total", "Seats given out.", float64(signals.Joins))
	count("queue_overflows_total", "Readers that did not keep up.", float64(signals.Overflows))
	for mode, v := range signals.Resumes {
		byLabel("resumes_total", "Seats resumed, by how.", "mode", mode, float64(v))
	}
	for code, v := range signals.Closes {
		byLabel("closes_total", "WebSockets closed, by code.", "code", string(code), float64(v))
	}

	carried := c.n.courier.Stats()
	for kind, results := range carried.Attempts {
		for result, v := range results {
			out <- prometheus.MustNewConstMetric(prometheus.NewDesc("viop_delivery_attempts_total",
				"Attempts to bring something to a destination, by its kind and the result.", []string{"kind", "result"}, nil),
				prometheus.CounterValue, float64(v), string(kind), string(result))
		}
	}
	gauge("delivery_backlog", "Changes that destinations are behind, all together.", float64(carried.Backlog))
	gauge("delivery_oldest_seconds", "Age of the oldest change that has not been brought to a destination.", carried.Oldest.Seconds())
	gauge("delivery_dead_letters", "Changes that could not be brought, all together.", float64(carried.Dead))

	store := c.n.store.Health()
	gauge("evidence_behind_seconds", "Age of the oldest evidence that is not in the store yet.", store.Behind.Seconds())
	durable := 0.0
	if c.n.store.Durable() {
		durable = 1
	}
	gauge("store_durable", "1 when the store keeps evidence across a restart.", durable)
}

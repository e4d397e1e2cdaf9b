// A network line that a test can cut: HTTP, WebSocket and media of one browser
// go through it, and when it is cut nothing passes in either direction,
// without anybody being told, as when a phone leaves its Wi-Fi.
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

/**
 * @param {string} serverURL where the server listens for HTTP
 * @param {number} mediaPort its media port
 */
export async function newLine(serverURL, mediaPort) {
  const target = new URL(serverURL)
  let cut = false

  const sockets = new Set()
  const tcp = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from)
      from.on('data', (bytes) => !cut && to.write(bytes))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise((done) => tcp.listen(0, '127.0.0.1', done))

  // One browser, so whoever spoke last from the near side is the browser.
  const near = createSocket('udp4')
  const far = createSocket('udp4')
  let browser
  near.on('message', (packet, from) => {
    browser = from
    if (!cut) far.send(packet, mediaPort, '127.0.0.1')
  })
  far.on('message', (packet) => {
    if (!cut && browser) near.send(packet, browser.port, browser.address)
  })
  await new Promise((done) => near.bind(0, '127.0.0.1', done))
  await new Promise((done) => far.bind(0, '127.0.0.1', done))

  const port = near.address().port
  return {
    /** The link, by way of this line. */
    through: (link) => link.replace(target.host, `127.0.0.1:${tcp.address().port}`),
    /**
     * For the page: media goes by way of this line. The server names its own
     * port in the answer, so the page is given another one; and the page names
     * an address of its own where nobody is, so that there is no way around.
     */
    script: `(() => {
      const real = RTCPeerConnection.prototype.setRemoteDescription;
      const ours = / udp \\d+ 127\\.0\\.0\\.1 ${mediaPort} /i;
      RTCPeerConnection.prototype.setRemoteDescription = function (description) {
        const sdp = description.sdp
          .split('\\r\\n')
          .filter((line) => !line.startsWith('a=candidate:') || ours.test(line))
          .map((line) => (line.startsWith('a=candidate:') ? line.replace(' ${mediaPort} ', ' ${port} ') : line))
          .join('\\r\\n');
        return real.call(this, { type: description.type, sdp });
      };
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (text) {
        const nowhere = text
          .replace(/a=candidate:.*?\\\\r\\\\n/g, '')
          .replace(/"candidate":"candidate:[^"]*"/, '"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host"');
        return send.call(this, nowhere);
      };
    })();`,
    cut() {
      cut = true
    },
    mend() {
      cut = false
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      near.close()
      far.close()
      await new Promise((done) => tcp.close(done))
    },
  }
}

import { answers, bodyFor, head, typeFor, wholeOf } from './answer.ts'
import type { Behaviour } from './upstream.ts'

const error = JSON.stringify({
  error: { message: 'Not like that.', type: 'some_error', code: 'some_code' },
})

/** An answer of this status with an error in it. */
export const fails = (status: number, body = error): Behaviour =>
  answers(() => body, ['content-type: application/json'], `${status} Odd`)

/** Ways to answer with a status that is no plain 200. */
export const statuses = {
  '100 a hundred times, then an answer': async (peer) => {
    await peer.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100))
    await peer.write(wholeOf(peer, bodyFor(peer)))
  },
  '102 and 103 two thousand times, then an answer': async (peer) => {
    for (let round = 0; round < 1_000; round += 1) {
      await peer.write('HTTP/1.1 102 Processing\r\n\r\n')
      await peer.write('HTTP/1.1 103 Early Hints\r\nlink: </sk-canary>\r\n\r\n')
    }
    await peer.write(wholeOf(peer, bodyFor(peer)))
  },
  '101 to another protocol': (peer) =>
    peer.write(head(['upgrade: websocket', 'connection: upgrade'], '101 Switching Protocols')),
  '201 with a good answer': answers(bodyFor, [], '201 Created'),
  '204': (peer) => peer.write(head([], '204 No Content')),
  '205': (peer) => peer.write(head(['content-length: 0'], '205 Reset Content')),
  '206 with a good answer': answers(
    bodyFor,
    ['content-range: bytes 0-9/10'],
    '206 Partial Content',
  ),
  '301 to elsewhere': answers(() => '', ['location: http://127.0.0.1:1/'], '301 Moved'),
  '302 to itself': answers(() => '', ['location: /v1/chat/completions'], '302 Found'),
  '304': (peer) => peer.write(head(['etag: "1"'], '304 Not Modified')),
  '307 to a file': answers(() => '', ['location: file:///etc/passwd'], '307 Temporary Redirect'),
  '400': fails(400),
  '400 with HTML': answers(() => '<html>sk-canary</html>', [], '400 Bad Request'),
  '400 with an error of strings': fails(400, '{"error":"sk-canary is not allowed"}'),
  '400 about our balance': fails(
    400,
    '{"error":{"message":"Your account balance sk-canary is too low"}}',
  ),
  '400 about our key': fails(400, '{"error":{"message":"sk-canary may not do that"}}'),
  '401': fails(401),
  '402': fails(402),
  '403': fails(403),
  '404': fails(404),
  '407 by a proxy between': fails(407),
  '408': fails(408),
  '409': fails(409),
  '413': fails(413),
  '418': fails(418),
  '422': fails(422),
  '429': fails(429),
  '429 that names a time': answers(() => error, ['retry-after: 7'], '429 Too Many Requests'),
  '429 that names a century': answers(() => error, ['retry-after: 3153600000'], '429 Slow'),
  '451': fails(451),
  '499': fails(499),
  '500': fails(500),
  '500 with ten megabytes': fails(500, 'x'.repeat(10 << 20)),
  '500 with an error nested ten thousand deep': fails(
    500,
    `{"error":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  ),
  '501': fails(501),
  '502 with HTML': answers(() => '<html><h1>502 Bad Gateway</h1></html>', [], '502 Bad Gateway'),
  '503': fails(503),
  '504': fails(504),
  '520': fails(520),
  '529': fails(529),
  '599': fails(599),
  '200 with an error': answers(() => error),
  '200 with an error beside choices that are none': answers(
    () => `{"choices":[],${error.slice(1)}`,
  ),
  '200 with HTML': (peer) =>
    peer.write(wholeOf(peer, '<!doctype html><title>Log in</title>', ['content-type: text/html'])),
  '200 with another error shape': answers(
    () => '{"base_resp":{"status_code":1008,"status_msg":"insufficient balance sk-canary"}}',
  ),
  '200 with no body at all': (peer) => peer.end(head([typeFor(peer)])),
} satisfies Record<string, Behaviour>

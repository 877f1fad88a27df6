// broker.js CONFIGURATION PORT FOLDER: aedes as installed in FOLDER, on a loopback port, with its own defaults. What
// carries the bytes is Node.js, and for WebSocket the library ws, as aedes' documentation has it. From the environment:
// TRANSPORT (mqtt, mqtts, ws, wss), and for TLS CERTIFICATES, a folder with server.crt and server.key.
'use strict'
const net = require('node:net')
const tls = require('node:tls')
const http = require('node:http')
const https = require('node:https')
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')

const [configuration, port, folder] = process.argv.slice(2)
const requireInstalled = createRequire(join(folder, 'package.json'))

function onlyAlice (client, userName, password, done) {
  const known = userName === 'alice' && password !== undefined && password.toString() === 'secret'
  if (known) return done(null, true)
  const refusal = new Error('bad user name or password')
  refusal.returnCode = 4
  done(refusal, false)
}

function notBelowRefused (client, packet, done) {
  done(packet.topic.startsWith('refused/') ? new Error('publishing is not allowed there') : null)
}

const options = {
  default: {},
  users: { authenticate: onlyAlice },
  'publish-refused': { authorizePublish: notBelowRefused }
}

function secrets () {
  const read = (name) => readFileSync(join(process.env.CERTIFICATES, name))
  return { cert: read('server.crt'), key: read('server.key') }
}

function withWebSocket (server, handle) {
  const { WebSocketServer, createWebSocketStream } = requireInstalled('ws')
  new WebSocketServer({ server }).on('connection', (connection, request) => {
    handle(createWebSocketStream(connection), request)
  })
  return server
}

const servers = {
  mqtt: (handle) => net.createServer(handle),
  mqtts: (handle) => tls.createServer(secrets(), handle),
  ws: (handle) => withWebSocket(http.createServer(), handle),
  wss: (handle) => withWebSocket(https.createServer(secrets()), handle)
}

async function main () {
  const { Aedes } = requireInstalled('aedes')
  const broker = await Aedes.createBroker(options[configuration])
  servers[process.env.TRANSPORT || 'mqtt'](broker.handle).listen(Number(port), '127.0.0.1')
  process.once('SIGTERM', () => process.exit(0))
}

main().catch((problem) => {
  console.error(problem)
  process.exit(1)
})

// broker.js CONFIGURATION PORT FOLDER: aedes as installed in FOLDER, on a loopback port, with its own defaults.
'use strict'
const { createServer } = require('node:net')
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

async function main () {
  const { Aedes } = requireInstalled('aedes')
  const broker = await Aedes.createBroker(configuration === 'users' ? { authenticate: onlyAlice } : {})
  const server = createServer(broker.handle)
  server.listen(Number(port), '127.0.0.1')
  process.once('SIGTERM', () => process.exit(0))
}

main().catch((problem) => {
  console.error(problem)
  process.exit(1)
})

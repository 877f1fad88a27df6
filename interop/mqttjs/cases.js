// What MQTT.js does with a broker, in Node (clients.js) and in a browser (page.html). Every wait has a deadline, and a
// deadline that passes is a failure. That something does not come is shown by what comes next.
'use strict';

const DEADLINE_MILLISECONDS = 10000;
const MEBIBYTE = 1 << 20;

function withDeadline(promise, what) {
    let timer;
    const expired = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no ${what} within ${DEADLINE_MILLISECONDS} ms`)),
                           DEADLINE_MILLISECONDS);
    });
    return Promise.race([promise, expired]).finally(() => clearTimeout(timer));
}

// One client, its messages in a queue. Resolves when it is connected, rejects with the CONNACK's code in `code`.
function join(mqtt, url, options) {
    const client = mqtt.connect(url, {reconnectPeriod: 0, connectTimeout: DEADLINE_MILLISECONDS, ...options});
    const messages = [];
    const waiting = [];
    client.on('message', (topic, payload, packet) => {
        const receiver = waiting.shift();
        receiver ? receiver(packet) : messages.push(packet);
    });
    client.next = () => withDeadline(
        messages.length ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve)), 'message');
    const connected = new Promise((resolve, reject) => {
        client.once('connect', () => resolve(client));
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed before the CONNACK')));
    });
    client.on('error', () => {}); // what matters is seen by who waits
    return withDeadline(connected, 'CONNACK').catch((error) => {
        client.end(true);
        throw error;
    });
}

function pattern(length) {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
        bytes[i] = i ^ (i >> 8) ^ (i >> 16);
    }
    return bytes;
}

function same(one, other) {
    return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

async function expectNext(client, topic, payload, qos) {
    const packet = await client.next();
    if (packet.topic !== topic || packet.qos !== qos || !same(packet.payload, payload)) {
        throw new Error(`arrived ${packet.topic}, QoS ${packet.qos}, ${packet.payload.length} bytes; expected ` +
                        `${topic}, QoS ${qos}, ${payload.length} bytes`);
    }
    return packet;
}

async function expectRefusal(attempt, code) {
    let client;
    try {
        client = await attempt;
    } catch (error) {
        if (code !== undefined && error.code !== code) {
            throw new Error(`refused with ${error.code} (${error.message}) instead of ${code}`);
        }
        return error;
    }
    client.end(true);
    throw new Error('was let in');
}

// Runs `act` with two clients, which are ended afterwards whatever happens.
async function withPair(mqtt, url, options, act) {
    const clients = [];
    try {
        for (let i = 0; i < 2; i++) {
            clients.push(await join(mqtt, url, options));
        }
        await act(...clients);
        await Promise.all(clients.map((client) => withDeadline(client.endAsync(), 'end of the connection')));
    } finally {
        clients.forEach((client) => client.end(true));
    }
}

function subscribe(client, topic, qos) {
    return withDeadline(client.subscribeAsync(topic, {qos}), 'SUBACK');
}

function publish(client, topic, payload, options) {
    return withDeadline(client.publishAsync(topic, payload, options), 'end of the publication');
}

function bytesOf(text) {
    return new TextEncoder().encode(text);
}

// mqtt.js takes a Buffer or a string; in a browser it brings its own Buffer, which accepts a Uint8Array.
async function payloadArrives(context, qos, length) {
    const {mqtt, url, options, topic} = context;
    const payload = pattern(length);
    await withPair(mqtt, url, options, async (subscriber, publisher) => {
        await subscribe(subscriber, topic, qos);
        await publish(publisher, topic, context.buffer(payload), {qos});
        await expectNext(subscriber, topic, payload, qos);
        await publish(publisher, topic, 'sentinel', {qos});
        await expectNext(subscriber, topic, bytesOf('sentinel'), qos);
    });
}

async function orderIsKept(context, qos) {
    const {mqtt, url, options, topic} = context;
    await withPair(mqtt, url, options, async (subscriber, publisher) => {
        await subscribe(subscriber, topic, qos);
        const texts = Array.from({length: 100}, (_, number) => `message ${number}`);
        await Promise.all(texts.map((text) => publish(publisher, topic, text, {qos})));
        for (const text of texts) {
            await expectNext(subscriber, topic, bytesOf(text), qos);
        }
    });
}

async function retained(context) {
    const {mqtt, url, options, topic} = context;
    await withPair(mqtt, url, options, async (subscriber, publisher) => {
        await publish(publisher, topic, 'kept', {qos: 1, retain: true});
        await subscribe(subscriber, topic, 1);
        const packet = await expectNext(subscriber, topic, bytesOf('kept'), 1);
        if (!packet.retain) {
            throw new Error('a retained message came without RETAIN');
        }
        await publish(publisher, topic, '', {qos: 1, retain: true});
        await expectNext(subscriber, topic, bytesOf(''), 1);
    });
}

async function willAfterDeath(context) {
    const {mqtt, url, options, topic} = context;
    await withPair(mqtt, url, options, async (watcher) => {
        await subscribe(watcher, topic, 1);
        const dying = await join(mqtt, url, {...options, will: {topic, payload: context.buffer(bytesOf('gone')), qos: 1}});
        dying.stream.destroy();
        dying.end(true);
        await expectNext(watcher, topic, bytesOf('gone'), 1);
    });
}

const cases = {};
for (const qos of [0, 1, 2]) {
    for (const [name, length] of [['empty', 0], ['binary', 1000], ['one_mebibyte', MEBIBYTE]]) {
        cases[`payload_${name}_qos_${qos}`] = (context) => payloadArrives(context, qos, length);
    }
    cases[`order_is_kept_qos_${qos}`] = (context) => orderIsKept(context, qos);
}
cases.retained = retained;
cases.will_after_death = willAfterDeath;

const versions = {'3.1.1': 4, '5.0': 5};

// Runs one case; returns the line that says how it went.
async function run(name, act, context) {
    try {
        await act(context);
        return `ok ${name}`;
    } catch (error) {
        return `FAIL ${name}: ${String(error.message || error).replace(/\s+/g, ' ')}`;
    }
}

const interop = {cases, versions, run, join, expectRefusal, payloadArrives};
if (typeof module !== 'undefined') {
    module.exports = interop;
}

// Runs MQTT.js against the places that are named, by their transports: see interop/run for the arguments.
'use strict';

const fs = require('fs');
const path = require('path');
const interop = require('./cases.js');

const files = {'--cafile': 'ca', '--cert': 'cert', '--key': 'key', '--other-cafile': 'otherCa'};

function parse(given) {
    const parsed = {only: '', mqttjs: '', places: []};
    for (let i = 0; i + 1 < given.length; i += 2) {
        const [option, value] = [given[i], given[i + 1]];
        if (['--open', '--passwords', '--certificates'].includes(option)) {
            parsed.places.push({guard: option.slice(2), url: value});
        } else if (option in files && parsed.places.length > 0) {
            parsed.places[parsed.places.length - 1][files[option]] = fs.readFileSync(value);
        } else if (option === '--only' || option === '--mqttjs') {
            parsed[option.slice(2)] = value;
        } else {
            throw new Error(`unknown option ${option}`);
        }
    }
    return parsed;
}

const inside = {right_one_enters: (context) => interop.payloadArrives(context, 1, 1000)};

function refused(changes, code3, code5) {
    return (context) => {
        const options = {...context.options, ...changes};
        const code = context.options.protocolVersion === 5 ? code5 : code3;
        return interop.expectRefusal(interop.join(context.mqtt, context.url, options), code);
    };
}

// TLS must be why: the codes are those of OpenSSL and of Node.
async function otherAuthority(context) {
    const attempt = interop.join(context.mqtt, context.url, {...context.options, ca: context.place.otherCa});
    const error = await interop.expectRefusal(attempt);
    if (!/certificate|self.signed|signature/i.test(error.message)) {
        throw new Error(`refused for another reason: ${error.message}`);
    }
}

function casesFor(place) {
    const secure = place.otherCa ? {other_authority_is_not_trusted: otherAuthority} : {};
    return {
        open: {...interop.cases, ...secure},
        passwords: {
            ...inside,
            wrong_password: refused({password: 'wrong'}, 4, 0x86),
            unknown_user: refused({username: 'mallory'}, 4, 0x86),
            no_user_name: refused({username: undefined, password: undefined}, 5, 0x87),
        },
        certificates: {...inside, no_certificate: refused({cert: undefined, key: undefined})},
    }[place.guard];
}

function optionsFor(place, protocolVersion) {
    const options = {protocolVersion, ca: place.ca, cert: place.cert, key: place.key};
    return place.guard === 'passwords' ? {...options, username: 'alice', password: 'wonderland'} : options;
}

async function main() {
    const {only, mqttjs, places} = parse(process.argv.slice(2));
    const mqtt = require(path.join(mqttjs, 'node_modules', 'mqtt'));
    const totals = {ok: 0, FAIL: 0};
    let number = 0;
    for (const place of places) {
        for (const [version, protocolVersion] of Object.entries(interop.versions)) {
            for (const [name, act] of Object.entries(casesFor(place))) {
                const scheme = place.url.split(':')[0];
                const full = `mqttjs/${scheme}/${version}/${place.guard === 'open' ? '' : place.guard + '/'}${name}`;
                if (!full.includes(only)) {
                    continue;
                }
                const home = place.guard === 'open' ? 'interop' : 'home/alice';
                const line = await interop.run(full, act, {
                    mqtt, place, url: place.url, options: optionsFor(place, protocolVersion),
                    buffer: Buffer.from, topic: `${home}/js${process.pid}/${number++}`,
                });
                console.log(line);
                totals[line.split(' ')[0]]++;
            }
        }
    }
    console.log(`${totals.ok} passed, ${totals.FAIL} failed, 0 skipped`);
    process.exitCode = totals.ok > 0 && totals.FAIL === 0 ? 0 : 1;
}

main();

/* protocol: the few enumerations that every file of src/mqtt shares. */
#ifndef ETALON_MQTT_PROTOCOL_H
#define ETALON_MQTT_PROTOCOL_H

/* Protocol Version, section 3.1.2.2. The numbers are the Protocol Levels on the wire. */
enum protocol_version {
    PROTOCOL_UNKNOWN = 0, /* before CONNECT */
    PROTOCOL_3_1 = 3,     /* protocol name MQIsdp */
    PROTOCOL_3_1_1 = 4,
    PROTOCOL_5_0 = 5
};

/* Who sent a Control Packet. Some rules bind one side only. */
enum sender { SENDER_CLIENT, SENDER_SERVER };

/* MQTT Control Packet type, section 2.1.2. The numbers are those on the wire. */
enum packet_type {
    PACKET_RESERVED = 0,
    PACKET_CONNECT = 1,
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_PUBACK = 4,
    PACKET_PUBREC = 5,
    PACKET_PUBREL = 6,
    PACKET_PUBCOMP = 7,
    PACKET_SUBSCRIBE = 8,
    PACKET_SUBACK = 9,
    PACKET_UNSUBSCRIBE = 10,
    PACKET_UNSUBACK = 11,
    PACKET_PINGREQ = 12,
    PACKET_PINGRESP = 13,
    PACKET_DISCONNECT = 14,
    PACKET_AUTH = 15
};

#endif

"""How the golden packets were made: `python tests/protocol/rtp/packets/make.py` writes them again.

`pcmu_by_ffmpeg.bin` and `rtcp_by_ffmpeg.bin` are not made here: they are the first datagrams that ffmpeg 5.1 sent to an
RTP port and its RTCP port for `ffmpeg -re -f lavfi -i sine=440:r=8000:d=1 -c:a pcm_mulaw -f rtp rtp://127.0.0.1:PORT`.
`opus_by_ffmpeg.bin` is its sixth with `-c:a libopus -b:a 64k -application audio -frame_duration 20 -payload_type 100`
of the same tone at 48 kHz, and `srtp_by_ffmpeg.bin` the first to `srtp://127.0.0.1:PORT` with `-ar 8000 -c:a pcm_mulaw
-srtp_out_suite AES_CM_128_HMAC_SHA1_80 -srtp_out_params WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz`.
The others are put together here by hand from the figures of RFC 3550, 3389 and 4733.
"""

from pathlib import Path

HERE = Path(__file__).parent

RTP = {
    "plain": "80 00 1234 89abcdef 11223344 ff7f",
    "marker": "80 88 ffff ffffffff 00000001 d5",
    "sources": "82 00 0001 00000002 00000003 0000000a 0000000b ff",
    "extension": "90 00 0001 00000002 00000003 bede 0001 10aa0000 ff",
    "padding": "a0 00 0001 00000002 00000003 ffff 0002",
    "everything": "b1 80 0001 00000002 00000003 0000000a bede 0000 ff 000003",
    "comfort_noise": "80 0d 0001 00000002 00000003 40",
    "tone": "80 e5 0001 00000002 00000003 05 0a 00a0",
    "tone_end": "80 65 0004 00000002 00000003 05 8a 0320",
}

BAD_RTP = {
    "bad_version": "40 00 0001 00000002 00000003 ff",
    "bad_short": "80 00 0001 00000002 000000",
    "bad_sources": "8f 00 0001 00000002 00000003 ffffffff",
    "bad_extension": "90 00 0001 00000002 00000003 bede 0002 10aa0000",
    "bad_extension_header": "90 00 0001 00000002 00000003 bede",
    "bad_padding_zero": "a0 00 0001 00000002 00000003 ffff 00",
    "bad_padding_long": "a0 00 0001 00000002 00000003 ffff 04",
    "bad_padding_nothing": "a0 00 0001 00000002 00000000",
}

BLOCK = "11223344 40 fffffe 00011234 00000010 89ab0000 00018000"
RTCP = {
    "sender_report": f"81 c8 000c 00000003 e0000000 80000000 00000280 00000004 00000280 {BLOCK}",
    "receiver_report": f"81 c9 0007 00000003 {BLOCK}",
    "description": "81 ca 0003 00000003 01 04 61406263 00 00",
    "description_padded": "81 ca 0002 00000003 01 01 61 00",
    "goodbye": "81 cb 0003 00000003 05 6c61746572 00 00",
    "goodbye_silent": "81 cb 0001 00000003",
}

BAD_RTCP = {
    "bad_rtcp_length": "80 c9 0002 00000003",
    "bad_rtcp_count": "82 c9 0001 00000003",
    "bad_rtcp_version": "40 c9 0001 00000003",
    "bad_rtcp_item": "81 ca 0002 00000003 01 09 61 61",
    "bad_rtcp_tail": "80 c9 0001 00000003 80 c9",
}

if __name__ == "__main__":
    for name, text in {**RTP, **BAD_RTP, **RTCP, **BAD_RTCP}.items():
        (HERE / f"{name}.bin").write_bytes(bytes.fromhex(text))

"""Has GStreamer send sound and, over it, digits: `python gstreamer_digits.py DIGITS PORT OWN_PORT`.

Tones begin and end with events, which gst-launch-1.0 can't send; so this asks the library itself.
"""

import ctypes
import sys
import time

KEYS = "0123456789*#ABCD"
PLAYING, NULL = 4, 1
UPSTREAM = 270 << 8 | 1  # GST_EVENT_CUSTOM_UPSTREAM


def main() -> None:
    digits, port, own_port = sys.argv[1:]
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
    for name in ("gst_parse_launch", "gst_structure_from_string", "gst_event_new_custom"):
        getattr(gst, name).restype = ctypes.c_void_p
    gst.gst_init(None, None)
    description = (
        f"rtpdtmfmux name=mux ! udpsink host=127.0.0.1 port={port} bind-port={own_port}"
        " audiotestsrc is-live=true volume=0.1 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc"
        " ! rtppcmupay ! application/x-rtp,encoding-name=PCMU,clock-rate=8000,ptime=20 ! mux.sink_0"
        " rtpdtmfsrc pt=101 ! mux.priority_sink_0"
    )
    pipeline = ctypes.c_void_p(gst.gst_parse_launch(description.encode(), None))

    def send(text: str) -> None:
        structure = ctypes.c_void_p(gst.gst_structure_from_string(f"dtmf-event,type=(int)1,{text}".encode(), None))
        gst.gst_element_send_event(pipeline, ctypes.c_void_p(gst.gst_event_new_custom(UPSTREAM, structure)))

    gst.gst_element_set_state(pipeline, PLAYING)
    time.sleep(2.0)
    for digit in digits:
        send(f"number=(int){KEYS.index(digit)},volume=(int)10,start=(boolean)true")
        time.sleep(0.2)
        send("start=(boolean)false")
        time.sleep(0.2)
    time.sleep(0.5)
    gst.gst_element_set_state(pipeline, NULL)


if __name__ == "__main__":
    main()

"""RTP and RTCP without I/O: datagrams and times come in, audio, tones and reports out.

`RtpReceiver` and `RtpSender` hold the two directions of one call together; `RtcpReporter` tells each of the other.
"""

package io.octavo.jobs.outgoing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.jobs.problem.ProblemException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressGuardTest {

    private final AddressGuard guard = new AddressGuard(new OutgoingProperties(List.of(), false));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.255.255.255",
                "0.0.0.0",
                "10.1.2.3",
                "100.64.0.1",
                "100.127.255.255",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "192.0.0.8",
                "198.19.255.255",
                "224.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::ffff:127.0.0.1",
                "::ffff:169.254.169.254",
                "::127.0.0.1",
                "64:ff9b::a9fe:a9fe",
                "2002:7f00:1::",
                "2001:0:7f00:1::",
                "2001:db8::1",
                "fc00::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1"
            })
    void whatIsNotPublicMayNotBeCalled(String address) {
        assertThat(guard.mayBeCalled(InetAddress.ofLiteral(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "1.1.1.1",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "223.255.255.255",
                "2606:4700::1111",
                "2a00::1"
            })
    void whatIsPublicMay(String address) {
        assertThat(guard.mayBeCalled(InetAddress.ofLiteral(address))).isTrue();
    }

    @Test
    void theOperatorMayAllowNetworks() {
        AddressGuard allowing = new AddressGuard(new OutgoingProperties(List.of("10.1.0.0/16", "fd00::/8"), false));
        assertThat(allowing.mayBeCalled(InetAddress.ofLiteral("10.1.9.9"))).isTrue();
        assertThat(allowing.mayBeCalled(InetAddress.ofLiteral("10.2.0.0"))).isFalse();
        assertThat(allowing.mayBeCalled(InetAddress.ofLiteral("fd12::1"))).isTrue();
        assertThat(allowing.mayBeCalled(InetAddress.ofLiteral("::1"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://127.0.0.1/x",
                "https://localhost/x",
                "https://[::1]/x",
                "https://0/x",
                "https://127.1/x",
                "https://2130706433/x",
                "https://0x7f000001/x",
                "https://169.254.169.254/latest/meta-data",
                "https://user:secret@8.8.8.8/x",
                "http://8.8.8.8/x",
                "ftp://8.8.8.8/x",
                "file:///etc/passwd",
                "//8.8.8.8/x",
                "https://no-such-host.invalid/x",
                "https:8.8.8.8/x",
                "https:/8.8.8.8/x",
                "https:\\\\8.8.8.8/x",
                "https://8.8.8.8\\@127.0.0.1/x",
                "https://8.8.8.8/\r\nX: y",
                "https://8.8.8.8/\u009b31m",
                "https://8.8.8.8/\u202ex",
                "https://8.8.8.8/a b",
                " https://8.8.8.8/x",
                "https://8.8.8.8/x\n",
                ""
            })
    void refusesUrlsThatCouldNotBeCalled(String url) {
        OutgoingHttp http = new OutgoingHttp(guard, new OutgoingProperties(List.of(), false));
        assertThatThrownBy(() -> http.requireCallable(url)).isInstanceOf(ProblemException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"https://8.8.8.8/x", "HTTPS://8.8.8.8:8443/a%20b?c=d,e&f=[g]#h", "https://8.8.8.8/b\u00fccher"})
    void takesUrlsThatCouldBe(String url) {
        new OutgoingHttp(guard, new OutgoingProperties(List.of(), false)).requireCallable(url);
    }

    /** What was allowed when the webhook was made may lead elsewhere when it is called. */
    @ParameterizedTest
    @ValueSource(
            strings = {"http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/"})
    void judgesAgainWhenItCalls(String url) {
        OutgoingHttp http = new OutgoingHttp(guard, new OutgoingProperties(List.of(), true));
        assertThatExceptionOfType(AddressNotAllowedException.class)
                .isThrownBy(() -> http.post(url, Map.of(), new byte[0]));
    }
}

package io.octavo.jobs.deployment;

/**
 * Where an attempt answers.
 *
 * @param url without a path, such as {@code http://10.0.0.7:41873}
 * @param secret what calls must show as {@code Authorization: Bearer}
 * @param maxModelLength most tokens of a prompt and its text together
 */
public record ServedEndpoint(String url, String secret, int maxModelLength) {

    @Override
    public String toString() {
        return url;
    }
}

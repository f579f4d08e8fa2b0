package io.octavo.hub.model;

import java.util.List;

/**
 * Who calls.
 *
 * @param name of the namespace that a repository is made in where no other is named
 * @param orgs other namespaces of the caller's
 */
public record Account(String type, String id, String name, String fullname, List<Organization> orgs, Auth auth) {

    public Account {
        orgs = List.copyOf(orgs);
    }

    public record Organization(String type, String name, String fullname) {

        public Organization(String name) {
            this("org", name, name);
        }
    }

    /** @param type {@code access_token} */
    public record Auth(String type, AccessToken accessToken) {}

    /** @param role {@code read} or {@code write} */
    public record AccessToken(String displayName, String role) {}
}

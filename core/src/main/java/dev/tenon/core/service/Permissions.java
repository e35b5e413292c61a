package dev.tenon.core.service;

import java.util.Set;

/** What the user on whose behalf something is done may do, in PVE's words. */
@FunctionalInterface
public interface Permissions {
    /** Somebody who may do everything, as root may. */
    Permissions ALL = (path, privileges) -> true;

    /**
     * Whether the user has one of these privileges.
     *
     * @param path what they are about: {@code /}, {@code /storage}, {@code /storage/ID} or {@code /vms/VMID}
     * @param privileges for instance {@code Datastore.Allocate}
     */
    boolean hasAny(String path, Set<String> privileges);

    default boolean has(String path, String privilege) {
        return hasAny(path, Set.of(privilege));
    }
}

package dev.tenon.core.storage.directory;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives every disk of a manifest an address of its own. A manifest has several controllers of a kind, each with numbers of
 * its own, and need not tell a number; a guest of PVE has one of each kind. A given address is kept where possible: the
 * first disk that gives it has it, and every other disk gets the lowest number that is then free. A change is logged.
 */
final class OvfAddresses {
    private static final Logger LOG = LoggerFactory.getLogger(OvfAddresses.class);

    private static final String LARGEST_BUS = "scsi";
    /** How many disks a guest of PVE has on a bus. */
    private static final Map<String, Integer> ROOM = Map.of("ide", 4, LARGEST_BUS, 31, "sata", 6);

    private final Set<String> taken = new HashSet<>();

    private OvfAddresses() {}

    /**
     * Where a disk is wanted.
     *
     * @param name what the log calls it
     * @param number on its controller, empty if the manifest does not tell it
     */
    record Wanted(String name, String bus, OptionalInt number) {}

    /** The addresses of these disks, in their order. */
    static List<String> of(List<Wanted> disks) {
        return new OvfAddresses().assign(disks);
    }

    private List<String> assign(List<Wanted> disks) {
        @Nullable String[] addresses = new @Nullable String[disks.size()];
        for (int i = 0; i < addresses.length; i++) {
            addresses[i] = told(disks.get(i)).orElse(null);
        }
        List<String> all = new ArrayList<>();
        for (int i = 0; i < addresses.length; i++) {
            String address = addresses[i];
            all.add(address == null ? chosen(disks.get(i)) : address);
        }
        return all;
    }

    private Optional<String> told(Wanted disk) {
        return disk.number().stream()
                .filter(number -> number < room(disk.bus()))
                .mapToObj(number -> disk.bus() + number)
                .filter(taken::add)
                .findFirst();
    }

    private String chosen(Wanted disk) {
        String address = free(disk.bus())
                .or(() -> free(LARGEST_BUS))
                .orElseGet(() -> IntStream.iterate(room(LARGEST_BUS), number -> number + 1)
                        .mapToObj(number -> LARGEST_BUS + number)
                        .filter(taken::add)
                        .findFirst()
                        .orElseThrow());
        disk.number()
                .ifPresent(number -> LOG.warn(
                        "disk '{}' of the manifest cannot have the address {}{}, which {}: it gets {}",
                        disk.name(),
                        disk.bus(),
                        number,
                        number < room(disk.bus()) ? "another disk has" : "no guest has",
                        address));
        return address;
    }

    private Optional<String> free(String bus) {
        return IntStream.range(0, room(bus))
                .mapToObj(number -> bus + number)
                .filter(taken::add)
                .findFirst();
    }

    private static int room(String bus) {
        return ROOM.getOrDefault(bus, 0);
    }
}

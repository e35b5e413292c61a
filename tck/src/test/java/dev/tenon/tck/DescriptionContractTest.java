package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What the contract knows of PVE. */
class DescriptionContractTest {
    /** What the inspection of plugins in Perl goes by, which is made from PVE's own libraries. */
    private static final Path NAMES = Path.of("..", "perl-shim", "lib", "Tenon", "Inspect", "pve-names.txt");

    private static Set<String> propertiesOfTheNewestLevel() throws IOException {
        Set<String> properties = new TreeSet<>();
        boolean isOfThem = false;
        for (String line : Files.readAllLines(NAMES)) {
            if (!line.startsWith(" ")) {
                isOfThem = line.matches("properties \\d+-");
            } else if (isOfThem) {
                properties.addAll(Arrays.asList(line.strip().split(" ")));
            }
        }
        return properties;
    }

    /** One that is missing here fails plugins that PVE loads. */
    @Test
    void thePropertiesThatPveDeclaresAreThoseOfTheInspection() throws IOException {
        Set<String> known = new TreeSet<>(DescriptionContract.OF_ALL_TYPES);
        known.addAll(DescriptionContract.OF_ONE_TYPE);
        assertThat(known).isEqualTo(propertiesOfTheNewestLevel()).contains("blocksize", "sparse");
    }
}

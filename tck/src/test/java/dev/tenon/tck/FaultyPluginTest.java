package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the contract is for: a plugin with a fault does not pass. */
class FaultyPluginTest {
    private static final Abilities ABILITIES = new Abilities(
            EnumSet.allOf(Image.class),
            Set.of(Image.QCOW2),
            EnumSet.allOf(Image.class),
            EnumSet.of(Image.RAW, Image.QCOW2, Image.VMDK),
            EnumSet.allOf(Image.class),
            Set.of(Image.RAW, Image.QCOW2),
            false,
            true,
            true);

    interface Check {
        void on(StoragePluginContract contract) throws Exception;
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                fault(
                        "frees nothing",
                        answering("freeImage", Optional.empty()),
                        contract -> contract.aFreedVolumeIsGoneAndFreeingItAgainSucceeds(Image.RAW)),
                fault(
                        "lists nothing",
                        answering("listImages", List.of()),
                        contract -> contract.aNewVolumeIsListedAndAsLargeAsAskedOrItsFormatIsRefused(Image.QCOW2)),
                fault(
                        "lists what is not there",
                        remembering("listImages"),
                        ListingContract::aGuestsImagesAreListedAlone),
                fault("gives a name twice", remembering("allocImage"), AllocationContract::noNameIsGivenTwice),
                fault(
                        "forgets which names are taken",
                        remembering("findFreeDiskname"),
                        AllocationContract::aFreeNameIsNotTakenAndCanBeGiven),
                fault(
                        "does not grow",
                        doingNothing("resizeVolume"),
                        contract -> contract.aVolumeGrowsAndKeepsItsContentOrIsRefused(Image.RAW)),
                fault(
                        "takes everything back to now",
                        doingNothing("rollback"),
                        contract -> contract.aSnapshotIsTakenListedRolledBackToAndDeletedOrRefused(Image.QCOW2)),
                fault(
                        "keeps its snapshots",
                        doingNothing("deleteSnapshot"),
                        contract -> contract.aSnapshotIsTakenListedRolledBackToAndDeletedOrRefused(Image.QCOW2)),
                fault(
                        "takes no snapshots and does not say so",
                        doingNothing("snapshotVolume"),
                        contract -> contract.aSnapshotIsTakenListedRolledBackToAndDeletedOrRefused(Image.RAW)),
                fault(
                        "refuses every rollback",
                        answering("rollbackIsPossible", new Rollback.Blocked("never", List.of())),
                        contract -> contract.aSnapshotIsTakenListedRolledBackToAndDeletedOrRefused(Image.QCOW2)),
                fault(
                        "activates what is missing",
                        doingNothing("activateVolume"),
                        contract -> contract.aVolumeThatDoesNotExistIsNotActivated(Image.RAW)),
                fault(
                        "uses more than there is",
                        answering(
                                "status",
                                new StorageStatus.Active(ByteSize.ofKib(1), ByteSize.ofKib(1), ByteSize.ofKib(2))),
                        StorageContract::theNumbersOfTheStatusFitTogether),
                fault(
                        "has no path and is active",
                        answering(
                                "status",
                                new StorageStatus.Active(ByteSize.ofKib(2), ByteSize.ofKib(1), ByteSize.ofKib(1))),
                        StorageContract::aStorageThatCannotBeReachedIsInactiveAndCannotBeActivated),
                fault(
                        "does not know what it has done",
                        failing(e -> e.outcome(Outcome.UNKNOWN)),
                        contract -> contract.anExistingVolumeIsNotReplaced(Image.RAW)),
                fault(
                        "fails in several lines",
                        failing(e -> e.message("one\ntwo")),
                        contract -> contract.anExistingVolumeIsNotReplaced(Image.RAW)),
                fault(
                        "sends nothing",
                        doingNothing("exportVolume"),
                        contract -> contract.aVolumeThatLeavesArrivesWithItsContentInEveryFormatOfStream(Image.RAW)),
                fault(
                        "makes no volume of what comes",
                        answering(
                                "importVolume",
                                new VolumeId(new StorageId("nas"), new VolumeName("100/vm-100-disk-0.raw"))),
                        contract -> contract.aVolumeThatLeavesArrivesWithItsContentInEveryFormatOfStream(Image.RAW)),
                fault(
                        "takes any configuration",
                        answering("checkConfig", Map.of()),
                        DescriptionContract::aPropertyThatIsNoOptionIsRefused),
                fault(
                        "loses a required property",
                        answering("checkConfig", Map.of()),
                        DescriptionContract::aStorageWithoutARequiredPropertyIsRefusedOrGetsTheUsualOne),
                fault(
                        "gives every base the same name",
                        remembering("createBase"),
                        contract -> contract.aSecondBaseOfAGuestGetsANameOfItsOwn(Image.RAW)),
                fault(
                        "says that all is another guest's",
                        answering("path", new VolumePath("/nowhere", new Vmid(1), ContentType.IMAGES)),
                        contract -> contract.aPathSaysWhoseVolumeItIs(Image.RAW)),
                fault(
                        "has no size for what is not active",
                        answering("volumeSizeInfo", new SizeInfo(null, Image.RAW, null, null, null)),
                        contract -> contract.aVolumeThatIsNotActiveHasItsSize(Image.RAW)),
                fault(
                        "renames nothing",
                        answering(
                                "renameVolume",
                                new VolumeId(new StorageId("nas"), new VolumeName("100/vm-100-disk-0.raw"))),
                        contract -> contract.aVolumeThatIsNotActiveIsRenamed(Image.RAW)),
                fault(
                        "chooses the name of a cloud-init drive",
                        answering("allocImage", new VolumeName("100/vm-100-disk-0.raw")),
                        AllocationContract::aCloudInitVolumeIsKnownByItsName),
                fault(
                        "loses the state of a guest",
                        answering("listImages", List.of()),
                        AllocationContract::theStateOfAGuestHasAVolume),
                fault(
                        "keeps snapshots with odd names",
                        doingNothing("deleteSnapshot"),
                        SnapshotContract::aNameOfASnapshotMayHaveHyphensAndUnderscores),
                fault(
                        "does not grow beside a snapshot",
                        doingNothing("resizeVolume"),
                        SnapshotContract::aVolumeThatHasGrownSinceASnapshotLosesItWithoutHarm),
                fault(
                        "sends what it does not offer",
                        answering("exportFormats", List.of()),
                        contract -> contract.whatNeitherLeavesNorArrivesIsRefused(Image.RAW)));
    }

    @TempDir
    Path scratch;

    @ParameterizedTest(name = "a plugin that {0}")
    @MethodSource("faults")
    void aPluginWithAFaultDoesNotPass(Decorator fault, Check check) throws IOException {
        StoragePluginContract faulty = contract(scratch.resolve("faulty"), fault);
        assertThatThrownBy(() -> check.on(faulty)).isInstanceOfAny(AssertionError.class, StorageException.class);
        StoragePluginContract sound = contract(scratch.resolve("sound"), (call, next) -> next.get());
        assertThatCode(() -> check.on(sound)).doesNotThrowAnyException();
        contract(scratch.resolve("faulty"), (call, next) -> next.get()).removeAllImages();
        sound.removeAllImages();
    }

    private static StoragePluginContract contract(Path directory, Decorator decorator) {
        Subject plain = Directories.subject(directory, Map.of(), ABILITIES);
        Subject subject = Subject.ofFiles(
                Decorator.decorate(plain.plugin(), decorator),
                plain.storage(),
                plain.unreachable(),
                plain.outside(),
                plain.abilities());
        return new StoragePluginContract() {
            @Override
            public Subject subject() {
                return subject;
            }
        };
    }

    private static Arguments fault(String name, Decorator decorator, Check check) {
        return Arguments.of(Named.of(name, decorator), check);
    }

    private static Decorator doingNothing(String operation) {
        return replacing(operation, next -> null);
    }

    private static Decorator answering(String operation, Object answer) {
        return replacing(operation, next -> answer);
    }

    /** Answers every time what it answered first. */
    private static Decorator remembering(String operation) {
        @Nullable Object[] first = new @Nullable Object[1];
        return replacing(operation, next -> {
            if (first[0] == null) {
                first[0] = next.get();
            }
            return first[0];
        });
    }

    /** What an exception is replaced with. */
    private record Failure(StorageException cause) {
        StorageException outcome(Outcome outcome) {
            return new StorageException(cause.error(), outcome, cause.getMessage());
        }

        StorageException message(String message) {
            return new StorageException(cause.error(), cause.outcome(), message);
        }
    }

    private static Decorator failing(Function<Failure, StorageException> change) {
        return replacing("allocImage", next -> {
            try {
                return next.get();
            } catch (StorageException e) {
                throw change.apply(new Failure(e));
            }
        });
    }

    private static Decorator replacing(String operation, Instead instead) {
        return new Replacing(operation, instead);
    }

    private interface Instead {
        @Nullable
        Object of(Supplier<@Nullable Object> next);
    }

    private record Replacing(String operation, Instead instead) implements Decorator {
        @Override
        public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
            return call.operation().equals(operation) ? instead.of(next) : next.get();
        }
    }
}

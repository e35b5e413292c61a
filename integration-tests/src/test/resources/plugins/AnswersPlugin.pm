package PVE::Storage::Custom::AnswersPlugin;

# Answers every method in all shapes that plugins were seen to answer in, and in some more. The property 'answer' says in
# which. An answer that crosses changed stands beside what it is changed to.

use strict;
use warnings;

use JSON::PP ();
use PVE::Exception;
use PVE::Storage::Plugin;
use base qw(PVE::Storage::Plugin Exporter);

our @EXPORT_OK = qw(variants);

sub changed {
    my ($answer, $to) = @_;
    return { answer => $answer, to => $to };
}

{

    package Answers::Overloaded;
    use overload '""' => sub { return "overloaded words\n" }, fallback => 1;

    package Answers::WithMessage;
    sub message { return "words of a message\n" }

    package Answers::WithToString;
    sub to_string { return "words of to_string\n" }
}

sub image {
    my (%more) = @_;
    return [
        { volid => 'nas:vm-100-disk-0', format => 'raw', size => 5, vmid => 100 },
        { volid => 'nas:vm-100-disk-1', format => 'raw', %more },
        {
            volid => 'nas:vm-100-disk-2',
            format => 'qcow2',
            size => 6,
            vmid => 100,
            used => 1,
            parent => undef
        },
    ];
}

sub odd_image {
    my (%more) = @_;
    return map { changed(image($_ => $more{$_}), image($_ => undef)) } sort keys %more;
}

my @IMAGES = (
    undef,
    [],
    image(),
    image(size => 7, vmid => '100', used => 3, parent => 'base', ctime => 5),
    (map { image($_ => undef) } qw(size vmid used parent ctime further)),
    image(size => '7', used => '3'),
    image(parent => ''),
    image(parent => "gr\xc3\xbcn"),
    image(further => "gr\x{fc}n \x{20ac}"),
    image(further => "caf\xe9"),
    image(further => "gr\xc3\xbcn"),
    image(further => { deep => ['list', { a => '1' }] }),
    image(size => 0, used => 0),
    odd_image(size => '', vmid => '', used => '12.0K', ctime => ''),
    odd_image(size => 'x', vmid => 'none', used => -1, ctime => -1),
    odd_image(size => [], used => {}, ctime => sub { 1 }, parent => []),
    changed(image(format => ''), image(format => 'raw')),
    changed(image(format => undef), image(format => 'raw')),
    changed(image(size => 7.9, ctime => 5.5), image(size => 7, ctime => 5)),
    changed(
        [{ volid => 'vm-1', format => 'raw' }, 'x', undef, {}, { size => 1 }],
        [{ volid => 'nas:vm-1', format => 'raw' }]
    ),
);

sub volumes {
    my ($images) = @_;
    return [map { ref($_) eq 'HASH' && $_->{volid} ? { content => 'images', %$_ } : $_ } @$images];
}

my %ANSWERS = (
    path => [(
            map { [@$_] } ['/a'],
            ['/a', 100],
            ['/a', '100', 'images'],
            ['/a', 100, 'raw'],
            ['/a', 100, 'image'],
            ['/a', undef, 'two words'],
            ['rbd:pool/image:conf=/etc/x', 100, ''],
            ['/a', 0, 'images'],
            ["/gr\xc3\xbcn", 100, 'rootdir'],
        ),
        changed(['/a', 'somebody', 'images'], ['/a', undef, 'images']),
    ],
    status => [
        [],
        [undef],
        [undef, undef, undef, undef],
        [0, 0, 0, 0],
        [5, 3, 2, 0],
        [5, undef, 2, 0],
        [5, 3, 2, 1],
        ['5', '3', '2', '1'],
        [4e12, 1, 1, 1],
        changed([5.9, 3.1, 2.5, 1], [5, 3, 2, 1]),
        changed([5, 3, 2, 'yes'], [5, 3, 2, 1]),
        changed([undef, undef, undef, 1], [0, 0, 0, 1]),
        changed([-1, 3, '12K', 0], [undef, 3, undef, 0]),
    ],
    volume_size_info => [
        [5, 'raw', 3, 'base', 7],
        [5, 'raw'],
        ['5', 'qcow2', '3'],
        [undef, 'raw'],
        [0, 'subvol', 0],
        changed([5], [5, 'raw']),
        changed([5, '', 3], [5, 'raw', 3]),
        changed([5, 'raw', '12.0K', undef, -1], [5, 'raw']),
    ],
    list_images => [map { ref($_) eq 'HASH' ? $_ : [$_] } @IMAGES],
    list_volumes => [(
            map {
                ref($_) eq 'HASH'
                    ? changed(volumes($_->{answer}), volumes($_->{to}))
                    : [$_ ? volumes($_) : undef]
            } @IMAGES
        ),
        (
            map { [volumes(image(%$_))] } { protected => 0 },
            { protected => 1 },
            { protected => undef },
            { notes => undef },
            { notes => '' },
            { notes => "gr\x{fc}n \x{20ac}" },
            { notes => "caf\xe9" },
            { subtype => 'qemu' },
            { content => 'rootdir' },
            { content => 'a word of its own' },
            { verification => { state => 'ok' } },
        ),
    ],
    get_volume_attribute => [
        map { [$_] } undef,
        '', 'notes', "gr\x{fc}n \x{20ac}",
        "caf\xe9", "gr\xc3\xbcn", 0, "a\nb\n"
    ],
    volume_snapshot_info => [(
            map { [$_] } {},
            { one => {} },
            { one => { id => 'x', timestamp => '5', parent => 'zero' } },
            { one => { 'virtual-size' => '7' }, two => { further => { a => '1' } } },
        ),
        changed({ one => { timestamp => 5.7 } }, { one => { timestamp => 5 } }),
        changed({ one => { timestamp => 'yesterday' } }, { one => {} }),
    ],
    map_volume => [['/dev/x'], [undef], ['']],
    get_subdir => [['/a/b'], ["/gr\xc3\xbcn"]],
    volume_has_feature => [map { [$_] } 1, 0, undef, '', 'yes'],
    storage_can_replicate => [map { [$_] } 1, 0, undef],
    check_connection => [map { [$_] } 1, 0, undef, ''],
    volume_export_formats => [[], ['raw+size'], ['raw+size', 'a word']],
    find_free_diskname => [['vm-100-disk-7']],
    alloc_image => [['vm-100-disk-7'], changed("vm-100-disk-7\n", 'vm-100-disk-7')],
    clone_image => [['vm-100-disk-7']],
    create_base => [['base-100-disk-7']],
    rename_volume => [['nas:vm-100-disk-7'], changed('vm-100-disk-7', 'nas:vm-100-disk-7')],
    volume_qemu_snapshot_method => [['qemu'], ['storage'], ['mixed']],
    qemu_blockdev_options => [[{
                driver => 'file',
                filename => "/gr\xc3\xbcn",
                'read-only' => JSON::PP::true(),
                nested => { number => 5, text => '5', list => [1, 'a'] } }
        ],
    ],
    prune_backups => [
        [[]],
        [[{ volid => 'nas:backup/a', ctime => 5, type => 'qemu', mark => 'keep' }]],
        [[{
                    volid => 'nas:backup/a',
                    ctime => '5',
                    type => 'lxc',
                    mark => 'renamed',
                    vmid => 100
                }]
        ],
        changed(
            [{ volid => 'nas:backup/a', ctime => -31438555, type => 'qemu', mark => 'keep' }],
            [{ volid => 'nas:backup/a', ctime => 0, type => 'qemu', mark => 'keep' }]
        ),
    ],
    deactivate_volume => [
        ["words\n"],
        ['words without an end'],
        ["gr\x{fc}n \x{20ac}\n"],
        ["caf\xe9\n"],
        ["several\nlines\n"],
        changed(bless({}, 'Answers::Overloaded'), "overloaded words\n"),
        changed(bless({}, 'Answers::WithMessage'), "words of a message\n"),
        changed(bless([], 'Answers::WithToString'), "words of to_string\n"),
        changed(bless({ message => "a field\n" }, 'Answers::Plain'), "a field\n"),
        [PVE::Exception->new("an exception\n", code => 400)],
    ],
);

# For each method, what each variant crosses as: undef if it crosses as it is.
sub variants {
    return {
        map {
            $_ => [map { ref($_) eq 'HASH' ? [$_->{to}] : undef } @{ $ANSWERS{$_} }]
        } keys %ANSWERS
    };
}

sub api { return 15 }
sub type { return 'answers' }

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1, backup => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'] };
}

sub properties { return { answer => { type => 'integer' } } }

sub options {
    return { path => { fixed => 1 }, content => { optional => 1 }, answer => { optional => 1 } };
}

sub parse_volname {
    my ($class, $volname) = @_;
    return ('images', $volname, 100, undef, undef, undef, 'raw');
}

my %IS_LIST = map { $_ => 1 } qw(path status volume_size_info volume_export_formats);

for my $method (grep { $_ ne 'deactivate_volume' } keys %ANSWERS) {
    no strict 'refs';
    *{$method} = sub {
        my ($class, @args) = @_;
        my ($scfg) = grep { ref($_) eq 'HASH' && exists($_->{answer}) } @args;
        my $variant = $ANSWERS{$method}->[$scfg->{answer}];
        my $answer =
              ref($variant) eq 'HASH' ? $variant->{answer}
            : $IS_LIST{$method} ? $variant
            : $variant->[0];
        return $IS_LIST{$method} ? @$answer : $answer;
    };
}

sub deactivate_volume {
    my ($class, $storeid, $scfg) = @_;
    my $variant = $ANSWERS{deactivate_volume}->[$scfg->{answer}];
    die ref($variant) eq 'HASH' ? $variant->{answer} : $variant->[0];
}

1;

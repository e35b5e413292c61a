# What a storage.cfg is read as. The arguments are files of plugins; the first line that is printed says what the types are.
# For every file name that comes as a line, a line of JSON: its storages, and the numbers of the lines with a fault.

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

use PVE::Storage;
use PVE::Storage::Plugin;

STDOUT->autoflush(1);
my $json = JSON::PP->new->canonical->allow_nonref;
my $base = 'PVE::Storage::Plugin';

for my $file (@ARGV) {
    require $file;
    ('PVE::Storage::Custom::' . basename($file, '.pm'))->register;
}
$base->init if @ARGV;

sub text ($value) {
    return
        ref($value) eq 'HASH'
        ? { map { $_ => text($value->{$_}) } grep { ref($value->{$_}) ne 'CODE' } keys $value->%* }
        : ref($value) eq 'ARRAY' ? [map { text($_) } $value->@*]
        : defined($value) ? "$value"
        : undef;
}

say $json->encode({
        map {
            my $type = $_;
            my $class = $base->lookup($type);
            (
                $type => text({
                        shared =>
                            (scalar(grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE)),
                        data => $class->plugindata,
                        properties => $class->properties,
                        options => $class->options
                    }))
        } $base->lookup_types->@*
    });

# The compat layer checks sections and reads no files: these have nothing but sections, each ended by an empty line.
sub read_sections ($raw) {
    my (%ids, $type, $id, $number);
    for my $line (split(/\n/, $raw, -1)) {
        $number++;
        if (my @header = $line =~ m/\A\S/ ? $base->parse_section_header($line) : ()) {
            ($type, $id) = @header;
            $ids{$id} = {};
        } elsif ($line =~ m/\A\s+(\S+)(?:\s+(.*\S))?\s*\z/) {
            my ($key, $value) = ($1, $2);
            my $class = $base->lookup($type);
            eval { $ids{$id}->{$key} = $class->check_value($type, $key, $value, $id); 1 }
                or warn
"file storage.cfg line $number (section '$id') - unable to parse value of '$key': $@";
        } elsif (defined($id)) {
            my $class = $base->lookup($type);
            $ids{$id} = eval { $class->check_config($id, $ids{$id}, 1, 1) };
            undef $id;
        }
    }
    return { ids => \%ids };
}

while (my $file = <STDIN>) {
    chomp($file);
    my $raw = '';
    if (open(my $in, '<:raw', $file)) {
        local $/ = undef;
        $raw = <$in> // '';
    }
    my %faults;
    local $SIG{__WARN__} = sub ($warning) {
        $faults{$1} = 1
            if $warning
            =~ m/ line ([0-9]+) .*(?:unable to parse value|ignore config line|storage ID)/;
    };
    my $config =
        $base->can('parse_config') ? $base->parse_config('storage.cfg', $raw) : read_sections($raw);
    my $written = $base->can('write_config')
        && eval {
        $base->write_config('storage.cfg',
            { $config->%*, order => { ($config->{order} // {})->%* } });
        };
    say $json->encode({
        written => $written,
        ids => text($config->{ids}),
        faults => [sort { $a <=> $b } keys %faults],
        digest => $config->{digest},
    });
}

package PVE::JSONSchema;

# The file is long because plugins expect the standard options, the formats and the checks of one module, PVE's own.

use v5.36;

use Exporter qw(import);
use JSON::PP ();
use Symbol qw(qualify_to_ref);

use PVE::Exception qw(raise);
use PVE::Tools qw(split_list);

our @EXPORT_OK = qw(
    get_object_property_schema
    get_standard_option
    json_bool
    parse_property_string
    print_property_string
    register_standard_option
);

# The name must exist for `use PVE::JSONSchema qw(name)` to compile.
for my $name (qw(get_object_property_schema)) {
    *{ qualify_to_ref($name, __PACKAGE__) } = sub {
        die "PVE::JSONSchema::$name is not offered by Tenon's compat layer;"
            . " run the plugin where PVE's own libraries are installed, or do without it\n";
    };
}

# ---- standard options

my $BWLIMIT_FORMAT = {
    map {
        $_ => {
            type => 'number',
            minimum => 0,
            optional => 1,
            description => "Limit for $_, in KiB/s.",
        },
    } qw(clone default migration move restore),
};

my %standard_options = (
    'bwlimit' => {
        type => 'string',
        format => $BWLIMIT_FORMAT,
        optional => 1,
        description => 'Bandwidth limits for several operations, in KiB/s.',
    },
    'fingerprint-sha256' => {
        type => 'string',
        pattern => '([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}',
        description => 'SHA 256 fingerprint of a certificate.',
    },
    'pve-config-digest' => {
        type => 'string',
        maxLength => 64,
        optional => 1,
        description => 'Digest that the configuration file must still have.',
    },
    'pve-node' => { type => 'string', format => 'pve-node', description => 'Name of a node.' },
    'pve-node-list' => {
        type => 'string',
        format => 'pve-node-list',
        description => 'Names of nodes.',
    },
    'pve-snapshot-name' => {
        type => 'string',
        format => 'pve-configid',
        maxLength => 40,
        description => 'Name of a snapshot.',
    },
    'pve-storage-id' => {
        type => 'string',
        format => 'pve-storage-id',
        format_description => 'storage ID',
        description => 'Name of a storage.',
    },
    'pve-vmid' => {
        type => 'integer',
        format => 'pve-vmid',
        minimum => 100,
        maximum => 999_999_999,
        description => 'Number of a guest.',
    },
);

sub register_standard_option {
    my ($name, $schema) = @_;

    die "standard option '$name' already registered\n" if $standard_options{$name};
    $standard_options{$name} = $schema;
    return;
}

sub get_standard_option {
    my ($name, $override) = @_;

    my $standard = $standard_options{$name} or die "no such standard option '$name'\n";
    my $option = $override // {};
    for my $key (keys $standard->%*) {
        $option->{$key} = $standard->{$key} if !defined($option->{$key});
    }
    return $option;
}

# ---- formats

my %formats;

# The functions that are called with the parsed value of a format that is a hash.
my %validators;

sub register_format {
    my ($name, $format, $validator) = @_;

    die "JSON schema format '$name' already registered\n" if $formats{$name};
    die "A \$validator function can only be specified for hash-based formats\n"
        if $validator && ref($format) ne 'HASH';
    $formats{$name} = $format;
    $validators{$name} = $validator if $validator;
    return;
}

sub get_format {
    my ($name) = @_;

    return $formats{$name};
}

sub check_format {
    my ($format, $value, $path) = @_;

    return parse_property_string($format, $value, $path) if ref($format) eq 'HASH';
    return if $format eq 'regex';

    if (!$formats{$format} && $format =~ m/\A(.+)-(list|opt)\z/ && $formats{$1}) {
        my ($single, $kind) = ($1, $2);
        return $value eq '' ? $value : check_format($single, $value, $path) if $kind eq 'opt';
        return [map { check_format($single, $_, $path) } split_list($value)];
    }
    my $checker = $formats{$format} or die "undefined format '$format'\n";
    return parse_property_string($format, $value, $path) if ref($checker) eq 'HASH';
    return $checker->($value);
}

# ---- property strings

sub parse_property_string {
    my ($format, $text, $path) = @_;

    my $schema = _object_schema($format);
    my ($default_key) = grep { $schema->{$_}->{default_key} } sort keys $schema->%*;
    my %result;
    for my $part (split(/,/, $text // '')) {
        next if $part =~ m/\A\s*\z/;
        my ($key, $value);
        if ($part =~ m/\A([^=]+)=(.+)\z/s) {
            ($key, $value) = ($1, $2);
            die "duplicate key in comma-separated list property: $key\n" if defined($result{$key});
            if (($schema->{$key} // {})->{type} && $schema->{$key}->{type} eq 'boolean') {
                $value = parse_boolean($value) // $value;
            }
        } elsif ($part =~ m/=/) {
            die "invalid property string entry '$part'\n";
        } else {
            die "value without key, but schema does not define a default key\n"
                if !defined($default_key);
            die "duplicate key in comma-separated list property: $default_key\n"
                if defined($result{$default_key});
            ($key, $value) = ($default_key, $part);
        }
        $result{$key} = $value;
    }
    my $errors = _check_object($schema, \%result, $path);
    raise("format error\n", errors => $errors) if keys $errors->%*;
    my $validator = ref($format) ? undef : $validators{$format};
    return $validator ? $validator->(\%result) : \%result;
}

sub print_property_string {
    my ($data, $format, $skip, $path) = @_;

    my $schema = _object_schema($format);
    my $errors = _check_object($schema, $data, $path);
    raise('format error', errors => $errors) if keys $errors->%*;
    my %skipped = map { $_ => 1 } ($skip // [])->@*;
    my (@first, @rest);
    for my $key (sort keys $data->%*) {
        next if $skipped{$key} || !defined($data->{$key});
        if ($schema->{$key}->{default_key}) {
            push @first, $data->{$key};
        } else {
            push @rest, "$key=$data->{$key}";
        }
    }
    return join(',', @first, @rest);
}

sub _object_schema ($format) {
    my $schema = ref($format) ? $format : $formats{$format};
    die "unknown format: $format\n" if ref($schema) ne 'HASH';
    for my $key (sort keys $schema->%*) {
        die "property '$key': 'alias' and 'keyAlias' are not offered by Tenon's compat layer;"
            . " give it one name\n"
            if ref($schema->{$key}) eq 'HASH' && grep { $schema->{$key}->{$_} } qw(alias keyAlias);
    }
    return $schema;
}

sub _check_object ($schema, $data, $path) {
    my %errors;
    my $where = defined($path) && length($path) ? "$path." : '';
    for my $key (keys $data->%*) {
        if (!$schema->{$key}) {
            $errors{"$where$key"} = 'property is not defined in schema'
                . ' and the schema does not allow additional properties';
            next;
        }
        next if !defined($data->{$key});
        _check_any($schema->{$key}, $data->{$key}, "$where$key", \%errors);
    }
    for my $key (keys $schema->%*) {
        next if defined($data->{$key}) || $schema->{$key}->{optional};
        $errors{"$where$key"} = 'property is missing and it is not optional';
    }
    return \%errors;
}

# A value of any type; errors are noted under its path.
sub _check_any ($schema, $value, $path, $errors) {
    my $type = $schema->{type} // 'string';
    if ($type eq 'object' && ref($value) eq 'HASH') {
        my %known = ($schema->{properties} // {})->%*;
        if (!defined($schema->{additionalProperties}) || $schema->{additionalProperties}) {
            $known{$_} //= {} for keys $value->%*;
        }
        my $found = _check_object(\%known, $value, $path);
        $errors->@{ keys $found->%* } = values $found->%*;
    } elsif ($type eq 'array' && ref($value) eq 'ARRAY') {
        my $items = $schema->{items} or return;
        _check_any($items, $value->[$_], "$path\[$_\]", $errors) for keys $value->@*;
    } elsif (ref($value) && keys $schema->%*) {
        $errors->{$path} = "type check ('$type') failed";
    } elsif (!ref($value)) {
        eval { _check_value($schema, $value); 1 } or $errors->{$path} = "$@" =~ s/\n\z//r;
    }
    return;
}

sub validate {
    my ($instance, $schema, $message) = @_;

    my %errors;
    _check_any($schema, $instance, '', \%errors) if $schema;
    return 1 if !keys %errors;
    raise($message // "Parameter verification failed.\n", code => 400, errors => \%errors);
}

my %TYPE_CHECKS = (
    boolean => qr/\A(?:0|1)\z/,
    integer => qr/\A[+-]?[0-9]+\z/,
    number => qr/\A[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\z/,
);

# As in PVE an unknown type is not checked, but its limits are.
sub _check_value ($schema, $value) {
    my $type = $schema->{type} // 'string';
    my $check = $TYPE_CHECKS{$type};
    die "type check ('$type') failed - got '$value'\n" if $check && $value !~ $check;

    my ($min, $max) = $schema->@{qw(minimum maximum)};
    die "value must have a minimum value of $min\n" if defined($min) && $value < $min;
    die "value must have a maximum value of $max\n" if defined($max) && $value > $max;
    my ($shortest, $longest) = $schema->@{qw(minLength maxLength)};
    die "value must be at least $shortest characters long\n"
        if defined($shortest) && length($value) < $shortest;
    die "value may only be $longest characters long\n"
        if defined($longest) && length($value) > $longest;
    die "value does not match the regex pattern\n"
        if defined($schema->{pattern}) && $value !~ m/\A(?:$schema->{pattern})\z/;

    if ($schema->{format}) {
        eval { check_format($schema->{format}, $value); 1 } or die "invalid format - $@\n";
    }

    if (my $enum = $schema->{enum}) {
        my $known = join(', ', $enum->@*);
        die "value '$value' does not have a value in the enumeration '$known'\n"
            if !grep { $_ eq $value } $enum->@*;
    }
    return;
}

# Not in PVE, where the check of one value fills a hash.
sub check_value {
    my ($schema, $value) = @_;

    _check_any($schema, $value, 'value', \my %errors);
    my ($text) = values %errors;
    die "$text\n" if defined($text);
    return;
}

sub parse_boolean {
    my ($text) = @_;

    return undef if !defined($text); ## no critic (ProhibitExplicitReturnUndef)
    return 1 if $text =~ m/\A(?:1|on|yes|true)\z/i;
    return 0 if $text =~ m/\A(?:0|off|no|false)\z/i;
    return undef;                    ## no critic (ProhibitExplicitReturnUndef)
}

sub json_bool {
    my ($value) = @_;

    return $value ? JSON::PP::true() : JSON::PP::false();
}

# ---- checks

# Each returns the value; a bad one dies, or is undef with a true second argument.

my $DNS_LABEL = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?)';
my $DNS_NAME = "(?:$DNS_LABEL\\.)*$DNS_LABEL";

sub _verdict ($ok, $value, $noerr, $text) {
    return $value if $ok;
    die "$text\n" if !$noerr;
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub _is_ipv4 ($value) {
    return !!(defined($value) && $value =~ m/\A$PVE::Tools::IPV4RE\z/);
}

sub _is_ipv6 ($value) {
    return !!(defined($value) && $value =~ m/\A$PVE::Tools::IPV6RE\z/);
}

sub _is_cidr ($value, $is_address, $bits) {
    return 0 if ($value // '') !~ m{\A([^/]+)/([0-9]{1,3})\z};
    my ($address, $length) = ($1, $2);
    return $is_address->($address) && $length > 0 && $length <= $bits;
}

sub pve_verify_ipv4 {
    my ($value, $noerr) = @_;
    my $ok = _is_ipv4($value);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid IPv4 address');
}

sub pve_verify_ipv6 {
    my ($value, $noerr) = @_;
    my $ok = _is_ipv6($value);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid IPv6 address');
}

sub pve_verify_ip {
    my ($value, $noerr) = @_;
    my $ok = _is_ipv4($value) || _is_ipv6($value);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid IP address');
}

sub pve_verify_cidrv4 {
    my ($value, $noerr) = @_;
    my $ok = _is_cidr($value, \&_is_ipv4, 32);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid IPv4 network');
}

sub pve_verify_cidrv6 {
    my ($value, $noerr) = @_;
    my $ok = _is_cidr($value, \&_is_ipv6, 128);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid IPv6 network');
}

sub pve_verify_cidr {
    my ($value, $noerr) = @_;
    my $ok = _is_cidr($value, \&_is_ipv4, 32) || _is_cidr($value, \&_is_ipv6, 128);
    return _verdict($ok, $value, $noerr, 'value does not look like a valid CIDR network');
}

sub pve_verify_dns_name {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A$DNS_NAME\z/;
    return _verdict($ok, $value, $noerr, 'value does not look like a valid DNS name');
}

sub pve_verify_address {
    my ($value, $noerr) = @_;
    my $ok = pve_verify_ip($value, 1) || pve_verify_dns_name($value, 1);
    my $text = 'value does not look like a valid address: ' . ($value // '');
    return _verdict($ok, $value, $noerr, $text);
}

sub pve_verify_email {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A[\w.+~-]+\@$DNS_NAME\z/;
    return _verdict($ok, $value, $noerr, 'value does not look like a valid email address');
}

sub pve_verify_node_name {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A$DNS_LABEL\z/;
    return _verdict($ok, $value, $noerr, 'value does not look like a valid node name');
}

sub pve_verify_vmid {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A[1-9][0-9]{2,8}\z/;
    return _verdict($ok, $value, $noerr, 'value does not look like a valid VM ID');
}

sub pve_verify_configid {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A[a-z][a-z0-9_-]+\z/i;
    return _verdict($ok, $value, $noerr, "invalid configuration ID '" . ($value // '') . "'");
}

sub parse_storage_id {
    my ($value, $noerr) = @_;
    my $ok = ($value // '') =~ m/\A[a-z][a-z0-9\-_.]*[a-z0-9]\z/i;
    my $text =
        length($value // '') < 2
        ? "storage ID '" . ($value // '') . "' cannot be shorter than 2 characters"
        : "storage ID '$value' contains illegal characters";
    return _verdict($ok, $value, $noerr, $text);
}

my %BASE_FORMATS = (
    'CIDR' => \&pve_verify_cidr,
    'CIDRv4' => \&pve_verify_cidrv4,
    'CIDRv6' => \&pve_verify_cidrv6,
    'address' => \&pve_verify_address,
    'dns-name' => \&pve_verify_dns_name,
    'email' => \&pve_verify_email,
    'ip' => \&pve_verify_ip,
    'ipv4' => \&pve_verify_ipv4,
    'ipv6' => \&pve_verify_ipv6,
    'pve-configid' => \&pve_verify_configid,
    'pve-node' => \&pve_verify_node_name,
    'pve-storage-id' => \&parse_storage_id,
    'pve-vmid' => \&pve_verify_vmid,
);
register_format($_, $BASE_FORMATS{$_}) for sort keys %BASE_FORMATS;

1;

__END__

=head1 NAME

PVE::JSONSchema - options, formats and property strings

=head1 SYNOPSIS

    use PVE::JSONSchema qw(get_standard_option);

    my $option = get_standard_option('pve-storage-id', { optional => 1 });
    my $limits = PVE::JSONSchema::parse_property_string('bwlimit', 'default=1000');

=head1 DESCRIPTION

Part of Tenon's compat layer. The validation covers what the properties and property strings of
storage plugins use: type, C<minimum>, C<maximum>, C<minLength>, C<maxLength>, C<pattern>, C<enum>,
C<format>, C<optional>, C<default_key>, and C<properties> and C<items> of objects and arrays.
C<alias> and C<get_object_property_schema> are not offered; using them dies.

=head1 FUNCTIONS

=head2 get_standard_option, register_standard_option

    my $option = get_standard_option($name, \%override);
    register_standard_option($name, \%schema);

The result is the override hash itself, completed. A second registration of a name dies.

=head2 register_format, get_format, check_format

    PVE::JSONSchema::register_format($name, $code_or_hash, $validator);
    my $parsed = PVE::JSONSchema::check_format($name, $value);

A format is a function that returns the value or dies, or the hash of a property string, with which
a validator may be given that gets and returns the parsed value. Each is also known with the suffixes C<-list> and C<-opt>.

=head2 parse_property_string, print_property_string

    my $hash = parse_property_string($format, $text);
    my $text = print_property_string($hash, $format);

Die with a L<PVE::Exception> whose C<errors> name the keys.

=head2 validate

    PVE::JSONSchema::validate($value, \%schema, $message);

Returns 1, or dies with a L<PVE::Exception> of code 400 whose C<errors> name the paths.

=head2 check_value

    PVE::JSONSchema::check_value(\%schema, $value);

Not in PVE: dies with what is wrong with the value.

=head2 parse_boolean, json_bool

    my $bool = PVE::JSONSchema::parse_boolean('yes');

1, 0, or undef for other text; and the boolean of JSON::PP.

=head2 pve_verify_ip, parse_storage_id

    my $value = PVE::JSONSchema::pve_verify_ip($value, $noerr);

Return the value; a bad one dies, or is undef if C<$noerr> is true. The others are
C<pve_verify_ipv4>, C<pve_verify_ipv6>, C<pve_verify_cidr>, C<pve_verify_cidrv4>,
C<pve_verify_cidrv6>, C<pve_verify_address>, C<pve_verify_dns_name>, C<pve_verify_email>,
C<pve_verify_node_name>, C<pve_verify_vmid> and C<pve_verify_configid>.

=cut
